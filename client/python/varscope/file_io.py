"""tensorflow.python.lib.io.file_io: files by functions, which have names of their own."""

from __future__ import annotations

import os
from typing import Any

from varscope import files

FileIO = files.GFile
file_exists = files.Exists
list_directory = files.ListDirectory
get_matching_files = files.Glob
recursive_create_dir = files.MakeDirs
create_dir = files.MkDir
delete_file = files.Remove
delete_recursively = files.DeleteRecursively
copy = files.Copy
rename = files.Rename
is_directory = files.IsDirectory
walk = files.Walk
stat = files.Stat


def read_file_to_string(filename: str, binary_mode: bool = False) -> Any:
    """Returns what a file has, as text, or as bytes."""
    with files.GFile(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename: str, file_content: Any) -> None:
    """Makes a file have this, text or bytes."""
    with files.GFile(filename, "wb" if isinstance(file_content, bytes) else "w") as file:
        file.write(file_content)


def atomic_write_string_to_file(filename: str, contents: Any, overwrite: bool = True) -> None:
    """The same at once. FileExistsError for a file that is there, unless it may be overwritten."""
    if not overwrite and os.path.exists(filename):
        raise FileExistsError(filename)
    write_string_to_file(filename + ".new", contents)
    os.replace(filename + ".new", filename)
