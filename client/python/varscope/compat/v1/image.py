"""tf.image."""

from typing import TYPE_CHECKING

from varscope.strings.decoding import decode_bmp, decode_image, decode_jpeg, decode_png
from varscope.colors import (adjust_gamma, adjust_hue, adjust_saturation, hsv_to_rgb, random_hue,
                             random_saturation, rgb_to_hsv)
from varscope.boxes import (crop_and_resize, draw_bounding_boxes, non_max_suppression,
                            sample_distorted_bounding_box)
from varscope.image_quality import (image_gradients, psnr, rgb_to_yiq, rgb_to_yuv, sobel_edges,
                                    total_variation, yiq_to_rgb, yuv_to_rgb)
from varscope.strings.encoding import encode_jpeg, encode_png
from varscope.images import random_crop
from varscope.moving import extract_image_patches
from varscope.compat.v1._missing import missing_of
from varscope.images import (adjust_brightness, adjust_contrast, convert_image_dtype,
                             crop_to_bounding_box, flip_left_right, flip_up_down,
                             grayscale_to_rgb, pad_to_bounding_box, per_image_standardization,
                             random_brightness, random_contrast, random_flip_left_right,
                             random_flip_up_down, resize_image_with_crop_or_pad, resize_image_with_pad,
                             rgb_to_grayscale)
from varscope.resizing import (ResizeMethod, resize_area, resize_bicubic, resize_bilinear,
                               resize_images, resize_nearest_neighbor)
from varscope.turning import central_crop, rot90, transpose_image

resize = resize_images
transpose = transpose_image
resize_with_crop_or_pad = resize_image_with_crop_or_pad

__all__ = [
    "ResizeMethod", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
    "adjust_saturation", "central_crop", "convert_image_dtype", "crop_and_resize",
    "crop_to_bounding_box", "decode_bmp", "decode_image", "decode_jpeg", "decode_png",
    "draw_bounding_boxes", "encode_jpeg", "encode_png", "extract_image_patches", "flip_left_right",
    "flip_up_down", "grayscale_to_rgb", "hsv_to_rgb", "image_gradients", "non_max_suppression",
    "pad_to_bounding_box", "per_image_standardization", "psnr", "random_brightness",
    "random_contrast", "random_crop", "random_flip_left_right", "random_flip_up_down", "random_hue",
    "random_saturation", "resize", "resize_area", "resize_bicubic", "resize_bilinear",
    "resize_image_with_crop_or_pad", "resize_image_with_pad", "resize_images",
    "resize_nearest_neighbor", "resize_with_crop_or_pad", "rgb_to_grayscale", "rgb_to_hsv",
    "rgb_to_yiq", "rgb_to_yuv", "rot90", "sample_distorted_bounding_box", "sobel_edges",
    "total_variation", "transpose", "transpose_image", "yiq_to_rgb", "yuv_to_rgb"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
