"""tf.nn.max_pool_with_argmax: the largest elements of windows, and where they are."""

from __future__ import annotations

from typing import Any, NamedTuple

from varscope import _core


class MaxPoolWithArgmax(NamedTuple):
    """What max_pool_with_argmax() returns."""

    output: Any
    argmax: Any


def max_pool_with_argmax(input: Any, ksize: Any, strides: Any, padding: str,
                         data_format: str = "NHWC", Targmax: Any = None, name: str | None = None,
                         output_dtype: Any = None,
                         include_batch_in_index: bool = False) -> MaxPoolWithArgmax:
    """The largest element of each window, and its number: (y * width + x) * channels + channel, of its
    image, or of the whole batch."""
    if data_format != "NHWC":
        raise NotImplementedError("max_pool_with_argmax: varscope has the data format NHWC alone")
    places = Targmax if output_dtype is None else output_dtype
    return MaxPoolWithArgmax(*_core.nn._max_pool_with_argmax(
        input, ksize, strides, padding, "int64" if places is None else places,
        include_batch_in_index, name))
