"""tf.image."""

from typing import TYPE_CHECKING

from varscope.strings.decoding import decode_bmp, decode_image, decode_jpeg, decode_png
from varscope.compat.v1._missing import missing_of
from varscope.images import (ResizeMethod, adjust_brightness, adjust_contrast, convert_image_dtype,
                             crop_to_bounding_box, flip_left_right, flip_up_down,
                             grayscale_to_rgb, pad_to_bounding_box, per_image_standardization,
                             random_brightness, random_contrast, random_flip_left_right,
                             random_flip_up_down, resize_bilinear, resize_image_with_crop_or_pad,
                             resize_images, resize_nearest_neighbor, rgb_to_grayscale)

resize = resize_images

__all__ = [
    "ResizeMethod", "adjust_brightness", "adjust_contrast", "convert_image_dtype",
    "crop_to_bounding_box", "decode_bmp",
    "decode_image", "decode_jpeg", "decode_png", "flip_left_right", "flip_up_down",
    "grayscale_to_rgb", "pad_to_bounding_box", "per_image_standardization", "random_brightness",
    "random_contrast", "random_flip_left_right", "random_flip_up_down", "resize",
    "resize_bilinear", "resize_image_with_crop_or_pad", "resize_images",
    "resize_nearest_neighbor", "rgb_to_grayscale"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
