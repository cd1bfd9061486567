"""tensorflow.python.lib.io.file_io."""

from typing import TYPE_CHECKING

from varscope.file_io import (
    FileIO, atomic_write_string_to_file, copy, create_dir, delete_file, delete_recursively,
    file_exists, get_matching_files, is_directory, list_directory, read_file_to_string,
    recursive_create_dir, rename, stat, walk, write_string_to_file)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "FileIO", "atomic_write_string_to_file", "copy", "create_dir", "delete_file",
    "delete_recursively", "file_exists", "get_matching_files", "is_directory", "list_directory",
    "read_file_to_string", "recursive_create_dir", "rename", "stat", "walk",
    "write_string_to_file"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
