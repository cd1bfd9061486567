"""From the records of tf.train.SequenceExample to tensors."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from varscope import _core, errors, shapes
from varscope.readers.parsing import (FixedLenFeature, FixedLenSequenceFeature, VarLenFeature,
                                      array_of, dtype_of, features_of, list_of,
                                      parsed, specs_of)
from varscope.sparse import SparseTensor
from varscope.strings.tensors import Computed, outputs, to_text
from varscope.summaries import wire


def lists_of(record: bytes) -> tuple[dict[str, list[Any]], dict[str, list[list[Any]]]]:
    """Returns the features of a record's whole, and those of its steps, by their names.
    InvalidArgumentError for other bytes."""
    context: dict[str, list[Any]] = {}
    steps: dict[str, list[list[Any]]] = {}
    try:
        for field, content in wire.fields(record):
            if field == 1:
                context.update(features_of(wire.message(1, content)))
                continue
            for _, entry in wire.fields(content):
                parts = dict(wire.fields(entry))
                steps[parts[1].decode()] = [list_of(feature) for _, feature in
                                            wire.fields(parts.get(2, b""))]
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, struct.error):
        raise errors.InvalidArgumentError(None, None, "Invalid protocol message input, "
                                          "serialized SequenceExample") from None
    return context, steps


def _steps(name: str, feature: Any, lists: list[list[Any]] | None) -> list[Any]:
    """The values of a feature of all steps: three of a VarLenFeature."""
    dtype = dtype_of(feature)
    if isinstance(feature, VarLenFeature):
        lists = lists or []
        places = [[row, column] for row, own in enumerate(lists) for column in range(len(own))]
        longest = max((len(own) for own in lists), default=0)
        return [np.array(places, np.int64).reshape(-1, 2),
                array_of(name, [x for own in lists for x in own], dtype),
                np.array([len(lists), longest], np.int64)]
    if not isinstance(feature, FixedLenSequenceFeature):
        raise TypeError(f"Unsupported {type(feature).__name__} {feature}.")
    if lists is None and not feature.allow_missing:
        raise errors.InvalidArgumentError(
            None, None, f"Name: <unknown>, Feature list '{name}' is required but could not be "
            "found.  Did you mean to include it in feature_list_dense_missing_assumed_empty or "
            "feature_list_dense_defaults?")
    dims = [int(n) for n in shapes.dims_of(feature.shape) or []]
    for own in lists or []:
        if len(own) != int(np.prod(dims)):
            raise errors.InvalidArgumentError(
                None, None, f"Key: {name}.  Number of {dtype.name} values != expected.  values "
                f"size: {len(own)} but output shape: {dims}")
    return [array_of(name, [x for own in lists or [] for x in own], dtype).reshape([-1, *dims])]


def _step_specs(feature: Any) -> list[tuple[Any, list[int] | None]]:
    if isinstance(feature, VarLenFeature):
        int64 = _core.as_dtype("int64")
        return [(int64, [-1, 2]), (dtype_of(feature), [-1]), (int64, [2])]
    return specs_of(feature, [])


def parse_single_sequence_example(serialized: Any,
                                  context_features: Mapping[str, Any] | None = None,
                                  sequence_features: Mapping[str, Any] | None = None,
                                  example_name: Any = None,
                                  name: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns tensors of a record's features, and of those of its steps, by their names."""
    whole, of_steps = dict(context_features or {}), dict(sequence_features or {})
    if not whole and not of_steps:
        raise ValueError("Missing features.")
    for key, feature in whole.items():
        if not isinstance(feature, (FixedLenFeature, VarLenFeature)):
            raise ValueError(f"Unsupported context feature {key}: {feature}")

    def parse(text: Any) -> list[Any]:
        context, lists = lists_of(text)
        found = []
        for key, feature in whole.items():
            found += parsed(key, feature, context.get(key))
        for key, feature in of_steps.items():
            found += _steps(key, feature, lists.get(key))
        return found

    specs = [spec for feature in whole.values() for spec in specs_of(feature, [])]
    specs += [spec for feature in of_steps.values() for spec in _step_specs(feature)]
    left = iter(outputs(Computed(parse, [to_text(serialized)]), specs,
                        name or "ParseSingleSequenceExample"))
    return _named(whole, left), _named(of_steps, left)


def _named(features: Mapping[str, Any], left: Any) -> dict[str, Any]:
    return {key: SparseTensor(next(left), next(left), next(left))
            if isinstance(feature, VarLenFeature) else next(left)
            for key, feature in features.items()}
