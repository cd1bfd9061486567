"""The classifier of client/examples/classifier.cc in JAX."""

import jax
import jax.numpy as jnp
import optax


def layer(key, *shape):
    return {"kernel": jax.nn.initializers.glorot_uniform()(key, shape),
            "bias": jnp.zeros(shape[-1])}


def new_params(seed):
    keys = jax.random.split(jax.random.PRNGKey(seed), 3)
    return {"first": layer(keys[0], 3, 3, 1, 12), "second": layer(keys[1], 3, 3, 12, 24),
            "logits": layer(keys[2], 4 * 4 * 24, 10)}


def convolve(images, layer):
    out = jax.lax.conv_general_dilated(images, layer["kernel"], (1, 1), "SAME",
                                       dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(out + layer["bias"])


def logits(params, images):
    first = convolve(images.reshape(-1, 8, 8, 1), params["first"])
    smaller = first.reshape(-1, 4, 2, 4, 2, 12).max(axis=(2, 4))
    flat = convolve(smaller, params["second"]).reshape(-1, 4 * 4 * 24)
    return flat @ params["logits"]["kernel"] + params["logits"]["bias"]


@jax.jit
@jax.grad
def gradients(params, images, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits(params, images), labels).mean()
