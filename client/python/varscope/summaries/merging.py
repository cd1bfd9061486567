"""Several summaries as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from varscope import _core
from varscope.collections_ import GraphKeys, get_collection
from varscope.derived import Derived


def merge(inputs: Iterable[Any], collections: Any = None, name: str | None = None) -> Derived:
    """Returns one summary of all of these."""
    unique = _core.get_default_graph().unique_name(name or "Merge/MergeSummary")
    return Derived(unique, list(inputs), b"".join)


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None,
              name: str | None = None) -> Derived | None:
    """Returns one summary of all that the graph has collected; None when that is nothing."""
    collected = get_collection(key, scope)
    return merge(collected, name=name) if collected else None
