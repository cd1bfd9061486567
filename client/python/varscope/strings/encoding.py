"""Images as files, and files: tf.image.encode_png, encode_jpeg and tf.write_file."""

from __future__ import annotations

import io
import os
from typing import Any

from varscope.derived import Derived
from varscope.ops import convert_to_tensor
from varscope.strings.tensors import StringTensor, computed, to_text


def _encoded(image: Any, form: str, options: dict[str, Any], name: str) -> StringTensor:
    def encode(pixels: Any) -> bytes:
        from PIL import Image
        shown = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        with io.BytesIO() as file:
            Image.fromarray(shown).save(file, form, **options)
            return file.getvalue()

    return computed(name, encode, [convert_to_tensor(image)], [])


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> StringTensor:
    """Returns an image of bytes, [y, x, channels], as what a PNG file has."""
    return _encoded(image, "PNG", {} if compression < 0 else {"compress_level": compression},
                    name or "EncodePng")


def encode_jpeg(image: Any, format: str = "", quality: int = 95, progressive: bool = False,
                optimize_size: bool = False, chroma_downsampling: bool = True,
                density_unit: str = "in", x_density: int = 300, y_density: int = 300,
                xmp_metadata: str = "", name: str | None = None) -> StringTensor:
    """Returns an image of bytes, [y, x, channels], as what a JPEG file has."""
    return _encoded(image, "JPEG", {"quality": quality, "progressive": progressive,
                                    "optimize": optimize_size}, name or "EncodeJpeg")


def write_file(filename: Any, contents: Any, name: str | None = None) -> Derived:
    """Returns what makes a file have these contents, in folders that are made, when a run is over."""

    def write(parts: list[Any]) -> None:
        path, content = os.fsdecode(parts[0]), parts[1]
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    return Derived(name or "WriteFile", [to_text(filename), to_text(contents)], write)
