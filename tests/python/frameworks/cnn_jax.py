"""cnn_jax.py DIGITS: trains the classifier of client/examples/classifier.cc in JAX, until the store's
variable `stop` is not 0. Prints how many steps it made."""

import sys

import jax
import jax.numpy as jnp
import optax

import digits
import varscope
import varscope.jax


def layer(*shape):
    return {"kernel": jax.nn.initializers.glorot_uniform()(jax.random.PRNGKey(0), shape),
            "bias": jnp.zeros(shape[-1])}


def convolve(images, layer):
    out = jax.lax.conv_general_dilated(images, layer["kernel"], (1, 1), "SAME",
                                       dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(out + layer["bias"])


@jax.jit
@jax.grad
def gradients(params, images, labels):
    first = convolve(images.reshape(-1, 8, 8, 1), params["first"])
    smaller = first.reshape(-1, 4, 2, 4, 2, 12).max(axis=(2, 4))
    flat = convolve(smaller, params["second"]).reshape(-1, 4 * 4 * 24)
    logits = flat @ params["logits"]["kernel"] + params["logits"]["bias"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


store = varscope.connect()
shared = varscope.jax.share({"first": layer(3, 3, 1, 12), "second": layer(3, 3, 12, 24),
                             "logits": layer(4 * 4 * 24, 10)}, store, "classifier")
optimizer = varscope.jax.adam(shared, 0.001)
params, data, steps = shared.params, digits.Digits(sys.argv[1]), 0
while store.read("stop") == 0:
    for images, labels in data.batches(2 + steps, 20):
        params = optimizer.step(gradients(params, images, labels))
        steps += 1
print(steps)
