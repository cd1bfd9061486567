"""tf.test."""

from typing import TYPE_CHECKING

from varscope.testing import (TestCase, gpu_device_name, is_built_with_cuda, is_gpu_available,
                              main)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "TestCase", "gpu_device_name", "is_built_with_cuda", "is_gpu_available", "main"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
