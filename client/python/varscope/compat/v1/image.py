"""tf.image."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.images import (ResizeMethod, adjust_brightness, adjust_contrast,
                             crop_to_bounding_box, grayscale_to_rgb, pad_to_bounding_box,
                             per_image_standardization, rgb_to_grayscale)

__all__ = [
    "ResizeMethod", "adjust_brightness", "adjust_contrast", "crop_to_bounding_box",
    "grayscale_to_rgb", "pad_to_bounding_box", "per_image_standardization", "rgb_to_grayscale"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
