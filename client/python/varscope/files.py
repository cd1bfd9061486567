"""Files and folders, under TensorFlow's names."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from typing import Any


class GFile:
    """An open file; the file is opened when it is first used. Of mode 'r' it gives text."""

    def __init__(self, name: str | os.PathLike[str], mode: str = "r") -> None:
        self._path = os.fspath(name)
        self._mode = mode
        self._file: Any = None

    @property
    def name(self) -> str:
        return self._path

    @property
    def mode(self) -> str:
        return self._mode

    def _opened(self) -> Any:
        if self._file is None:
            self._file = open(self._path, self._mode)  # noqa: SIM115 (close() closes it)
        return self._file

    def read(self, n: int = -1) -> Any:
        """Returns n bytes or characters, or all that is left."""
        return self._opened().read(n)

    def readline(self) -> Any:
        return self._opened().readline()

    def readlines(self) -> list[Any]:
        return self._opened().readlines()

    def write(self, file_content: Any) -> None:
        self._opened().write(file_content)

    def seek(self, offset: int, whence: int = 0) -> None:
        self._opened().seek(offset, whence)

    def tell(self) -> int:
        return self._opened().tell()

    def size(self) -> int:
        """Returns the number of bytes."""
        return os.path.getsize(self._path)

    def flush(self) -> None:
        self._opened().flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._opened())

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


FastGFile = Open = GFile


def Exists(filename: str) -> bool:
    """Returns whether there is a file or a folder of this name."""
    return os.path.exists(filename)


def IsDirectory(dirname: str) -> bool:
    return os.path.isdir(dirname)


def ListDirectory(dirname: str) -> list[str]:
    return os.listdir(dirname)


def Glob(filename: str | list[str]) -> list[str]:
    """Returns the paths that match the pattern, or one of the patterns."""
    patterns = [filename] if isinstance(filename, str) else filename
    return [path for pattern in patterns for path in sorted(glob.glob(pattern))]


def MakeDirs(dirname: str) -> None:
    """Makes a folder, and those around it, unless they are there."""
    os.makedirs(dirname, exist_ok=True)


def MkDir(dirname: str) -> None:
    os.makedirs(dirname, exist_ok=True)


def Remove(filename: str) -> None:
    os.remove(filename)


def DeleteRecursively(dirname: str) -> None:
    """Removes a folder with all that is in it."""
    shutil.rmtree(dirname)


def Copy(oldpath: str, newpath: str, overwrite: bool = False) -> None:
    """Copies a file. FileExistsError when there is one, unless it is to be overwritten."""
    _free(newpath, overwrite)
    shutil.copyfile(oldpath, newpath)


def Rename(oldname: str, newname: str, overwrite: bool = False) -> None:
    """Moves a file. FileExistsError when there is one, unless it is to be overwritten."""
    _free(newname, overwrite)
    os.replace(oldname, newname)


def _free(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise FileExistsError(path)


def Stat(filename: str) -> os.stat_result:
    return os.stat(filename)


def Walk(top: str, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Gives each folder with the names of the folders and of the files in it."""
    yield from os.walk(top, topdown=in_order)
