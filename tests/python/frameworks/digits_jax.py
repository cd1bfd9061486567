"""digits_jax.py DIGITS WORKER STEPS [--plain]: one of several processes that train a digit classifier
in the store at VARSCOPE_TARGET; with --plain alone, by JAX and optax only. Prints the test accuracy."""

import sys

import jax
import jax.numpy as jnp
import optax

import digits
import varscope
import varscope.jax


def logits(params, images):
    hidden = jax.nn.relu(images @ params["0"]["weight"] + params["0"]["bias"])
    return hidden @ params["2"]["weight"] + params["2"]["bias"]


@jax.jit
@jax.grad
def gradients(params, images, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits(params, images), labels).mean()


def layer(key, inputs, outputs):
    return {"weight": jax.random.normal(key, (inputs, outputs)) / inputs ** 0.5,
            "bias": jnp.zeros(outputs)}


data, worker, steps = digits.Digits(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
one, two = jax.random.split(jax.random.PRNGKey(worker))
params = {"0": layer(one, 64, 64), "2": layer(two, 64, 10)}
if "--plain" in sys.argv:
    optimizer = optax.adam(0.003)
    state = optimizer.init(params)
    for images, labels in data.batches(worker, steps):
        updates, state = optimizer.update(gradients(params, images, labels), state)
        params = optax.apply_updates(params, updates)
else:
    shared = varscope.jax.share(params, varscope.connect(), "classifier")
    optimizer = varscope.jax.adam(shared, 0.003)
    params = shared.params
    for images, labels in data.batches(worker, steps):
        params = optimizer.step(gradients(params, images, labels))
print(data.accuracy(lambda images: logits(params, images)))
