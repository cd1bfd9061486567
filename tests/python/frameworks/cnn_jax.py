"""cnn_jax.py DIGITS: trains the classifier of client/examples/classifier.cc in JAX, until the store's
variable `stop` is not 0. Says so by joined/jax, and prints how many steps it made."""

import sys

import classifier_jax
import digits
import varscope
import varscope.jax

store = varscope.connect()
shared = varscope.jax.share(classifier_jax.new_params(0), store, "classifier")
joined = store.get_variable("joined/jax", initializer=0, trainable=False)
optimizer = varscope.jax.adam(shared, 0.001)
params, data, steps = shared.params, digits.Digits(sys.argv[1]), 0
while not steps or store.read("stop") == 0:
    for images, labels in data.batches(2 + steps, 20):
        params = optimizer.step(classifier_jax.gradients(params, images, labels))
        steps += 1
    store.assign({joined: 1})
print(steps)
