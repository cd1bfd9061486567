"""tf.image."""

from typing import TYPE_CHECKING

from varscope.strings.decoding import decode_bmp, decode_image, decode_jpeg, decode_png
from varscope.colors import (adjust_gamma, adjust_hue, adjust_saturation, hsv_to_rgb, random_hue,
                             random_saturation, rgb_to_hsv)
from varscope.compat.v1._missing import missing_of
from varscope.images import (ResizeMethod, adjust_brightness, adjust_contrast, convert_image_dtype,
                             crop_to_bounding_box, flip_left_right, flip_up_down,
                             grayscale_to_rgb, pad_to_bounding_box, per_image_standardization,
                             random_brightness, random_contrast, random_flip_left_right,
                             random_flip_up_down, resize_bilinear, resize_image_with_crop_or_pad,
                             resize_images, resize_nearest_neighbor, rgb_to_grayscale)
from varscope.turning import central_crop, rot90, transpose_image

resize = resize_images

__all__ = [
    "ResizeMethod", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
    "adjust_saturation", "central_crop", "convert_image_dtype", "crop_to_bounding_box",
    "decode_bmp", "decode_image", "decode_jpeg", "decode_png", "flip_left_right", "flip_up_down",
    "grayscale_to_rgb", "hsv_to_rgb", "pad_to_bounding_box", "per_image_standardization",
    "random_brightness", "random_contrast", "random_flip_left_right", "random_flip_up_down",
    "random_hue", "random_saturation", "resize", "resize_bilinear", "resize_image_with_crop_or_pad",
    "resize_images", "resize_nearest_neighbor", "rgb_to_grayscale", "rgb_to_hsv", "rot90",
    "transpose_image"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
