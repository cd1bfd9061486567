"""digits_jax.py DIGITS WORKER STEPS [--plain]: one of several processes that train a digit classifier
in the store at VARSCOPE_TARGET; with --plain alone, by JAX and optax only. Prints the test accuracy."""

import sys

import optax

import classifier_jax
import digits
import varscope
import varscope.jax

data, worker, steps = digits.Digits(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
params = classifier_jax.new_params(worker)
rate = optax.linear_schedule(0.006, 0.0, steps)
if "--plain" in sys.argv:
    optimizer = optax.adam(rate)
    state = optimizer.init(params)
    for images, labels in data.batches(worker, steps):
        updates, state = optimizer.update(classifier_jax.gradients(params, images, labels), state)
        params = optax.apply_updates(params, updates)
else:
    shared = varscope.jax.share(params, varscope.connect(), "classifier")
    optimizer = varscope.jax.adam(shared, rate)
    params = shared.params
    for images, labels in data.batches(worker, steps):
        params = optimizer.step(classifier_jax.gradients(params, images, labels))
print(data.accuracy(lambda images: classifier_jax.logits(params, images)))
