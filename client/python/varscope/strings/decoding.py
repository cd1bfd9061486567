"""From strings to numbers: comma-separated values, raw bytes, images."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from varscope import _core, errors
from varscope.strings.tensors import (Computed, StringTensor, bytes_of, computed, is_text, outputs,
                                      string, to_text)

_uint8 = _core.as_dtype("uint8")


def number(text: bytes, dtype: _core.DType) -> Any:
    """Returns the number that a text says. InvalidArgumentError for other text."""
    form, read = (_FLOAT, _float) if dtype.is_floating else (_WHOLE, int)
    bare = text.strip()
    if form.fullmatch(bare):
        value = read(bare)
        ends = None if dtype.is_floating else np.iinfo(dtype.as_numpy_dtype)
        if ends is None or ends.min <= value <= ends.max:
            return value
    raise errors.InvalidArgumentError(
        None, None, f"StringToNumberOp could not correctly convert string: "
        f"{text.decode(errors='replace')}")


_WHOLE = re.compile(rb"[+-]?[0-9]+")
_HEX = rb"0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*([pP][+-]?[0-9]+)?"
_FLOAT = re.compile(rb"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|" + _HEX +
                    rb"|[iI][nN][fF]([iI][nN][iI][tT][yY])?|[nN][aA][nN])")


def _float(text: bytes) -> float:
    return float.fromhex(text.decode()) if b"x" in text.lower() else float(text)


def decode_csv(records: Any, record_defaults: Sequence[Any], field_delim: str = ",",
               use_quote_delim: bool = True, name: str | None = None, na_value: str = "",
               select_cols: Sequence[int] | None = None) -> list[Any]:
    """Returns a tensor of each column; its default has its dtype and stands for empty fields.

    A default without a value, [], makes an empty field an InvalidArgumentError of the run.
    """
    text = to_text(records)
    columns = [_Column(default) for default in record_defaults]
    of_runs = [i for i, column in enumerate(columns) if column.tensor is not None]

    def decode(lines: Any, *defaults: Any) -> list[Any]:
        of_run = {i: np.ravel(value) for i, value in zip(of_runs, defaults)}
        rows = [_row(line, field_delim, use_quote_delim, select_cols, len(columns))
                for line in np.ravel(np.asarray(lines, object))]
        found = [column.read([row[i] for row in rows], na_value, of_run.get(i))
                 for i, column in enumerate(columns)]
        return [one.reshape(np.shape(lines))[()] for one in found]

    specs = [(column.dtype, text._dims) for column in columns]
    source = Computed(decode, [text, *(columns[i].tensor for i in of_runs)])
    return outputs(source, specs, name or "DecodeCSV")


def _row(line: bytes, delimiter: str, quotes: bool, chosen: Sequence[int] | None,
         count: int) -> list[str]:
    row = list(_fields(line.decode().rstrip("\r\n"), delimiter, quotes))
    if chosen is not None:
        row = [row[i] for i in chosen]
    if len(row) != count:
        raise errors.InvalidArgumentError(
            None, None, f"Expect {count} fields but have {len(row)} in record 0")
    return row


def _fields(line: str, delimiter: str, quotes: bool) -> Iterator[str]:
    """The fields of a line. InvalidArgumentError for a quote inside a field without quotes, and for
    one that does not end with a quote."""
    at = 0
    while line and at <= len(line):
        if quotes and line.startswith('"', at):
            found = _QUOTED.match(line, at)
            end = -1 if found is None else found.end()
            if found is None or (end < len(line) and line[end] != delimiter):
                raise _malformed("Quoted field has to end with quote followed by delim, CRLF, or "
                                 "EOF")
            yield found[1].replace('""', '"')
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            field = line[at:end]
            if (quotes and '"' in field) or "\n" in field or "\r" in field:
                raise _malformed("Unquoted fields cannot have quotes/CRLFs inside")
            yield field
        at = end + 1


_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def _malformed(what: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, what)


class _Column:
    """One column of comma-separated values."""

    def __init__(self, default: Any) -> None:
        self.dtype: Any = string
        self._default: Any = None
        self.tensor: Any = None  # a default that a run alone knows
        if isinstance(default, (_core.DType, type(string))):  # a dtype: it has no default
            self.dtype = default
        elif isinstance(default, _core.Tensor):
            self.dtype, self.tensor = default.dtype, default
        elif isinstance(default, StringTensor):
            self.tensor = default
        elif is_text(default):
            self._default = np.ravel(bytes_of(default))[0]
        else:
            array = np.ravel(np.asarray(default))
            self.dtype = _core.as_dtype("int32" if array.dtype.kind == "i" else "float32")
            self._default = array[0] if array.size else None

    def read(self, fields: list[str], absent: str, default: Any = None) -> np.ndarray:
        """Returns the fields' values; `default` has none or one, of a run."""
        found = np.empty(len(fields), self.dtype.as_numpy_dtype)
        own = self._default if default is None else default[0] if default.size else None
        for i, field in enumerate(fields):
            found[i] = self._one(field, absent, own)
        return found

    def _one(self, field: str, absent: str, default: Any) -> Any:
        if field in ("", absent):
            if default is None:
                raise errors.InvalidArgumentError(
                    None, None, "Field is required but missing in record!")
            return default
        if self.dtype == string:
            return field.encode()
        return number(field.strip().encode(), self.dtype)


def decode_raw(bytes: Any, out_type: Any, little_endian: bool = True,
               name: str | None = None) -> _core.Tensor:
    """Returns the numbers whose bytes strings are."""
    dtype = _core.as_dtype(out_type)
    order = np.dtype(dtype.as_numpy_dtype).newbyteorder("<" if little_endian else ">")

    def decode(text: Any) -> np.ndarray:
        for one in np.ravel(np.asarray(text, object)):
            if len(one) % order.itemsize:
                raise errors.InvalidArgumentError(
                    None, None, f"Input to DecodeRaw has length {len(one)} that is not a multiple "
                    f"of {order.itemsize}, the size of {dtype.name}")
        parts = [np.frombuffer(one, order) for one in np.ravel(np.asarray(text, object))]
        if len({part.size for part in parts}) > 1:
            raise errors.InvalidArgumentError(
                None, None, "DecodeRaw requires input strings to all be the same size")
        return np.stack(parts).reshape(*np.shape(text), -1).astype(dtype.as_numpy_dtype)

    text = to_text(bytes)
    dims = None if text._dims is None else [*text._dims, -1]
    return computed(name or "DecodeRaw", decode, [text], dims, dtype)


def decode_image(contents: Any, channels: int = 0, dtype: Any = _uint8,
                 name: str | None = None) -> _core.Tensor:
    """Returns an image, [y, x, channels], of the bytes of a PNG, JPEG, BMP or GIF file.

    PNG files of 8 bits need no other package; the others are Pillow's matter.
    """
    if _core.as_dtype(dtype) != "uint8":
        raise NotImplementedError("decode_image: varscope decodes to uint8 alone")
    return computed(name or "DecodeImage", lambda data: decoded(data, channels), [to_text(contents)],
                    [-1, -1, channels or -1], _uint8)


def decode_png(contents: Any, channels: int = 0, dtype: Any = _uint8,
               name: str | None = None) -> _core.Tensor:
    """The same, of a PNG file."""
    return decode_image(contents, channels, dtype, name or "DecodePng")


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> _core.Tensor:
    """The same, of a BMP file."""
    return decode_image(contents, channels, name=name or "DecodeBmp")


def decode_jpeg(contents: Any, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True,
                try_recover_truncated: bool = False, acceptable_fraction: float = 1.0,
                dct_method: str = "", name: str | None = None) -> _core.Tensor:
    """The same, of a JPEG file, with the numbers of Pillow's decoder."""
    if ratio != 1:
        raise NotImplementedError("decode_jpeg: varscope has no 'ratio'")
    return decode_image(contents, channels, name=name or "DecodeJpeg")


_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def decoded(data: bytes, channels: int) -> np.ndarray:
    """Returns the pixels of a file. InvalidArgumentError for what is no image."""
    try:
        from PIL import Image
    except ImportError:
        return _png(data, channels)
    try:
        image = Image.open(io.BytesIO(data))
        mode = _MODES[channels] if channels else _mode_of(image)
        pixels = np.asarray(image.convert(mode))
    except OSError:
        raise _no_image() from None
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _mode_of(image: Any) -> str:
    return {"1": "L", "L": "L", "RGBA": "RGBA"}.get(image.mode, "RGB")


def _no_image() -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(
        None, None, "Unknown image file format. One of JPEG, PNG, GIF, BMP required.")


def _png(data: bytes, channels: int) -> np.ndarray:
    """Decodes a PNG file of 8 bits, without a palette and in one pass."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise NotImplementedError("varscope needs the package Pillow for images other than PNG")
    packed, at, head = b"", 8, b""
    while at < len(data):
        size, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        if kind == b"IHDR":
            head = data[at + 8:at + 8 + size]
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += size + 12
    width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    depth, color, _, _, interlaced = head[8:13]
    own = {0: 1, 2: 3, 4: 2, 6: 4}.get(color)
    if depth != 8 or own is None or interlaced or (channels not in (0, own)):
        raise NotImplementedError("varscope needs the package Pillow for such a PNG file")
    return _unfiltered(zlib.decompress(packed), width, height, own)


def _unfiltered(data: bytes, width: int, height: int, channels: int) -> np.ndarray:
    rows = np.frombuffer(data, np.uint8).reshape(height, 1 + width * channels)
    found = np.zeros((height, width * channels), np.uint8)
    above = np.zeros(width * channels, np.uint8)
    for y in range(height):
        above = found[y] = _unfiltered_row(int(rows[y, 0]), rows[y, 1:], above, channels)
    return found.reshape(height, width, channels)


def _unfiltered_row(kind: int, row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """A row of a PNG: the bytes are differences from those on their left and above them."""
    if kind == 0:
        return row
    if kind == 2:
        return row + above
    found = [0] * step + [0] * len(row)
    corner = [0] * step + above.tolist()
    for i, x in enumerate(row.tolist()):
        left, up, diagonal = found[i], int(above[i]), corner[i]
        guess = left if kind == 1 else (left + up) // 2 if kind == 3 else _paeth(left, up, diagonal)
        found[i + step] = (x + guess) & 255
    return np.array(found[step:], np.uint8)


def _paeth(left: int, up: int, diagonal: int) -> int:
    guess = left + up - diagonal
    return min((left, up, diagonal), key=lambda x: abs(guess - x))
