"""tf.Summary and tf.Event: messages that a program may make by itself."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from typing import Any

from varscope.summaries import wire


class _Fields:
    """The base of messages: which of their fields are set."""

    def HasField(self, name: str) -> bool:
        """Returns whether this field is set. ValueError when there is no such field."""
        if name not in vars(self):
            raise ValueError(f"Protocol message {type(self).__name__} has no \"{name}\" field.")
        return _is_set(vars(self)[name])

    def WhichOneof(self, name: str) -> str | None:
        """Returns which of the fields is set that exclude each other: of a value or an event."""
        kinds = ("simple_value", "image", "histo", "tensor", "file_version", "graph_def", "summary",
                 "meta_graph_def")
        return next((kind for kind in kinds if _is_set(vars(self).get(kind))), None)


def _is_set(value: Any) -> bool:
    return value is not None and not (isinstance(value, Summary) and not value.value)


class Value(_Fields):
    """One value of a summary: a number, or the message of an image, a histogram or a tensor."""

    def __init__(self, tag: str = "", simple_value: float | None = None,
                 node_name: str | None = None, image: Any = None, histo: Any = None,
                 metadata: Any = None, tensor: Any = None) -> None:
        self.tag = tag
        self.simple_value = simple_value
        self.node_name = node_name
        self.image = image
        self.histo = histo
        self.metadata = metadata
        self.tensor = tensor

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        parts = [wire.message(1, self.tag)]
        if self.simple_value is not None:
            parts.append(wire.float32(2, float(self.simple_value)))
        for field, value in ((4, self.image), (5, self.histo), (8, self.tensor),
                             (9, self.metadata)):
            if value is not None:
                parts.append(wire.message(field, _bytes_of(value)))
        if self.node_name:
            parts.append(wire.message(7, self.node_name))
        return b"".join(parts)


def _bytes_of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else value.SerializeToString()


class Image:
    """tf.Summary.Image: a file's bytes with its size."""

    def __init__(self, height: int = 0, width: int = 0, colorspace: int = 0,
                 encoded_image_string: bytes = b"") -> None:
        self.height, self.width, self.colorspace = height, width, colorspace
        self.encoded_image_string = encoded_image_string

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return b"".join([wire.integer(1, self.height), wire.integer(2, self.width),
                         wire.integer(3, self.colorspace),
                         wire.message(4, self.encoded_image_string)])

    @classmethod
    def FromString(cls, serialized: bytes) -> Image:
        """Returns the image of a message."""
        names = {1: "height", 2: "width", 3: "colorspace", 4: "encoded_image_string"}
        found = {names[field]: value for field, value in wire.fields(serialized) if field in names}
        return cls(**found)


class HistogramProto:
    """tf.HistogramProto: a histogram whose buckets the program has filled."""

    def __init__(self, min: float = 0.0, max: float = 0.0, num: float = 0.0, sum: float = 0.0,
                 sum_squares: float = 0.0, bucket_limit: Iterable[float] = (),
                 bucket: Iterable[float] = ()) -> None:
        self.min, self.max, self.num, self.sum, self.sum_squares = min, max, num, sum, sum_squares
        self.bucket_limit = list(bucket_limit)
        self.bucket = list(bucket)

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        numbers = (self.min, self.max, self.num, self.sum, self.sum_squares)
        return b"".join([*(wire.double(i + 1, x) for i, x in enumerate(numbers)),
                         wire.doubles(6, self.bucket_limit), wire.doubles(7, self.bucket)])

    @classmethod
    def FromString(cls, serialized: bytes) -> HistogramProto:
        """Returns the histogram of a message."""
        names = ["min", "max", "num", "sum", "sum_squares", "bucket_limit", "bucket"]
        made = cls()
        for field, value in wire.fields(serialized):
            if field in (6, 7):
                value = list(struct.unpack(f"<{len(value) // 8}d", value))
            if 1 <= field <= 7:
                setattr(made, names[field - 1], value)
        return made


class _Values(list):
    """The values of a summary."""

    def add(self, **fields: Any) -> Value:
        """Appends a value, and returns it."""
        self.append(Value(**fields))
        return self[-1]


class Summary:
    """tf.Summary: values under their tags."""

    Value = Value
    Image = Image

    def __init__(self, value: Iterable[Value] = ()) -> None:
        self.value = _Values(value)

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return b"".join(wire.message(1, value.SerializeToString()) for value in self.value)

    @classmethod
    def FromString(cls, serialized: bytes) -> Summary:
        """Returns the summary of a message. What are messages of their own stay so."""
        names = {1: "tag", 2: "simple_value", 4: "image", 5: "histo", 7: "node_name", 8: "tensor",
                 9: "metadata"}
        summary = cls()
        for _, content in wire.fields(serialized):
            value = summary.value.add()
            for field, found in wire.fields(content):
                if field in names:
                    text = names[field] in ("tag", "node_name")
                    if names[field] == "histo":
                        found = HistogramProto.FromString(found)
                    elif names[field] == "image":
                        found = Image.FromString(found)
                    setattr(value, names[field], found.decode() if text else found)
        return summary

    def ParseFromString(self, serialized: bytes) -> None:
        """Takes the values of a message."""
        self.value = self.FromString(serialized).value


class Event(_Fields):
    """tf.Event: what one record of an event file has."""

    def __init__(self, wall_time: float | None = None, step: int = 0,
                 file_version: str | None = None, graph_def: bytes | None = None,
                 summary: Any = None, meta_graph_def: bytes | None = None) -> None:
        self.wall_time = time.time() if wall_time is None else wall_time
        self.step = step
        self.file_version = file_version
        self.graph_def = graph_def
        self.summary = summary
        self.meta_graph_def = meta_graph_def

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        parts = [wire.double(1, self.wall_time)]
        if self.step:
            parts.append(wire.integer(2, int(self.step)))
        for field, value in ((3, self.file_version), (4, self.graph_def), (5, self.summary),
                             (9, self.meta_graph_def)):
            if value is not None:
                parts.append(wire.message(field, value if isinstance(value, (str, bytes)) else
                                          value.SerializeToString()))
        return b"".join(parts)

    @classmethod
    def FromString(cls, serialized: bytes) -> Event:
        """Returns the event of a message. A graph stays a message."""
        event = cls(wall_time=0.0, summary=Summary())  # empty is not set
        for field, found in wire.fields(serialized):
            if field in (1, 2):
                setattr(event, "wall_time" if field == 1 else "step", found)
            elif field == 3:
                event.file_version = found.decode()
            elif field == 5:
                event.summary = Summary.FromString(found)
            elif field in (4, 9):
                setattr(event, "graph_def" if field == 4 else "meta_graph_def", found)
        return event
