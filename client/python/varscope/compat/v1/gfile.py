"""tf.gfile."""

from typing import TYPE_CHECKING

from varscope.files import (Copy, DeleteRecursively, Exists, FastGFile, GFile, Glob, IsDirectory,
                            ListDirectory, MakeDirs, MkDir, Open, Remove, Rename, Stat, Walk)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "Copy", "DeleteRecursively", "Exists", "FastGFile", "GFile", "Glob", "IsDirectory",
    "ListDirectory", "MakeDirs", "MkDir", "Open", "Remove", "Rename", "Stat", "Walk"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
