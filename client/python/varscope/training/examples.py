"""tf.train.Example: the records that TFRecord files have."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

from varscope.summaries import wire


class BytesList:
    """Texts of bytes."""

    def __init__(self, value: Iterable[bytes] = ()) -> None:
        self.value = list(value)

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return b"".join(wire.message(1, item) for item in self.value)


class FloatList:
    """Numbers."""

    def __init__(self, value: Iterable[float] = ()) -> None:
        self.value = [float(item) for item in value]

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return wire.message(1, struct.pack(f"<{len(self.value)}f", *self.value))


class Int64List:
    """Whole numbers."""

    def __init__(self, value: Iterable[int] = ()) -> None:
        self.value = [int(item) for item in value]

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return wire.message(1, b"".join(wire.varint(item) for item in self.value))


class Feature:
    """One of the three lists."""

    def __init__(self, bytes_list: BytesList | None = None, float_list: FloatList | None = None,
                 int64_list: Int64List | None = None) -> None:
        self._given = [bytes_list, float_list, int64_list]
        self.bytes_list = bytes_list or BytesList()
        self.float_list = float_list or FloatList()
        self.int64_list = int64_list or Int64List()

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        lists = (self.bytes_list, self.float_list, self.int64_list)
        return b"".join(wire.message(field, own.SerializeToString())
                        for field, (own, given) in enumerate(zip(lists, self._given), 1)
                        if given is not None or own.value)


class _ByName(dict[str, Any]):
    """Features by name: one that is asked for is there, as in a message."""

    def __missing__(self, name: str) -> Feature:
        self[name] = Feature()
        return self[name]


class Features:
    """Features by name."""

    def __init__(self, feature: Mapping[str, Feature] | None = None) -> None:
        self.feature: dict[str, Any] = _ByName(feature or {})

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return b"".join(
            wire.message(1, wire.message(1, name) + wire.message(2, kept.SerializeToString()))
            for name, kept in self.feature.items())


class Example:
    """One record."""

    def __init__(self, features: Features | None = None) -> None:
        self.features = features or Features()

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return wire.message(1, self.features.SerializeToString())

    def ParseFromString(self, serialized: bytes) -> int:
        """Takes the features of a message, and returns its size. ValueError for other bytes."""
        from varscope.errors import InvalidArgumentError
        from varscope.readers.parsing import typed_features_of
        try:
            found = typed_features_of(serialized)
        except InvalidArgumentError:
            raise ValueError("Error parsing message") from None
        lists = {1: ("bytes_list", BytesList), 2: ("float_list", FloatList),
                 3: ("int64_list", Int64List)}
        self.features = Features()
        for name, (kind, items) in found.items():
            label, make = lists.get(kind, lists[1])
            self.features.feature[name] = Feature(**{label: make(items)})
        return len(serialized)

    @classmethod
    def FromString(cls, serialized: bytes) -> Example:
        """Returns the record of a message."""
        made = cls()
        made.ParseFromString(serialized)
        return made


class FeatureList:
    """A feature of each step of a sequence."""

    def __init__(self, feature: Iterable[Feature] = ()) -> None:
        self.feature = list(feature)

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return b"".join(wire.message(1, kept.SerializeToString()) for kept in self.feature)


class FeatureLists:
    """Lists of features by name."""

    def __init__(self, feature_list: Mapping[str, FeatureList] | None = None) -> None:
        self.feature_list: dict[str, Any] = dict(feature_list or {})

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return b"".join(
            wire.message(1, wire.message(1, name) + wire.message(2, kept.SerializeToString()))
            for name, kept in self.feature_list.items())


class SequenceExample:
    """One record of a sequence: features of the whole, and of each step."""

    def __init__(self, context: Features | None = None,
                 feature_lists: FeatureLists | None = None) -> None:
        self.context = context or Features()
        self.feature_lists = feature_lists or FeatureLists()

    def SerializeToString(self) -> bytes:
        """Returns the message."""
        return wire.message(1, self.context.SerializeToString()) + wire.message(
            2, self.feature_lists.SerializeToString())
