"""What an op must know when the graph is built, and is not told, it names."""

import pytest

import varscope.compat.v1 as tf


def test_none_is_no_tensor():
    for build in (lambda: tf.convert_to_tensor(None), lambda: tf.one_hot(None, 3),
                  lambda: tf.losses.mean_squared_error(None, [1.0]),
                  lambda: tf.metrics.accuracy(None, [1.0])):
        with pytest.raises(ValueError, match="None values not supported"):
            build()


# What needs the number of dimensions says so, where a run alone knows it.
UNKNOWN = {
    "gather": lambda x: tf.gather(x, [0], axis=1), "unstack": lambda x: tf.unstack(x),
    "split": lambda x: tf.split(x, 2),
    "one_hot": lambda x: tf.one_hot(tf.cast(x, tf.int32), 2, axis=0),
    "mirror": lambda x: tf.pad(x, [[1, 1]], "REFLECT"), "diag": tf.diag,
    "matrix_diag": tf.matrix_diag,
    "matrix_diag_part": tf.matrix_diag_part, "trace": tf.trace,
    "tensordot": lambda x: tf.tensordot(x, x, 1),
    "cross": lambda x: tf.cross(x, x), "crelu": tf.nn.crelu, "lrn": tf.nn.lrn,
    "flip": tf.image.flip_left_right, "contrast": lambda x: tf.image.adjust_contrast(x, 2.0),
    "crop": lambda x: tf.image.crop_to_bounding_box(x, 0, 0, 1, 1),
    "frame": lambda x: tf.image.pad_to_bounding_box(x, 0, 0, 1, 1),
    "size": lambda x: tf.image.resize_images(x, [2, 2]),
    "middle": lambda x: tf.image.resize_image_with_crop_or_pad(x, 1, 1),
    "gray": tf.image.rgb_to_grayscale, "colors": tf.image.grayscale_to_rgb,
    "map_fn": lambda x: tf.map_fn(lambda row: row, x),
}


@pytest.mark.parametrize("op", UNKNOWN)
def test_shapes_that_must_be_known(op):
    with pytest.raises(ValueError, match="number of dimensions|must be known|needs a list"):
        UNKNOWN[op](tf.placeholder(tf.float32))
