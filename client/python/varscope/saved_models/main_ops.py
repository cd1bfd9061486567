"""What a SavedModel may run when it was loaded."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.data.initializing import tables_initializer
from varscope.local_variables import local_variables_initializer
from varscope.ops import group


def main_op() -> Any:
    """Returns what initializes all variables and tables."""
    return group(_core.global_variables_initializer(), local_variables_initializer(),
                 tables_initializer())
