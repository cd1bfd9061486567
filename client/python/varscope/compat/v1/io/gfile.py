"""tf.io.gfile."""

from typing import TYPE_CHECKING

from varscope.files import Copy as copy
from varscope.files import DeleteRecursively as rmtree
from varscope.files import Exists as exists
from varscope.files import GFile
from varscope.files import Glob as glob
from varscope.files import IsDirectory as isdir
from varscope.files import ListDirectory as listdir
from varscope.files import MakeDirs as makedirs
from varscope.files import MkDir as mkdir
from varscope.files import Remove as remove
from varscope.files import Rename as rename
from varscope.files import Stat as stat
from varscope.files import Walk as walk
from varscope.compat.v1._missing import missing_of

__all__ = [
    "GFile", "copy", "exists", "glob", "isdir", "listdir", "makedirs", "mkdir", "remove", "rename",
    "rmtree", "stat", "walk"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
