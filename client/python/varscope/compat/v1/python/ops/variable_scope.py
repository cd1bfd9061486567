"""tensorflow.python.ops.variable_scope."""

from typing import TYPE_CHECKING

from varscope._core import VariableScope, get_variable_scope
from varscope.scopes import AUTO_REUSE, variable_scope
from varscope.variables import get_variable
from varscope.compat.v1._missing import missing_of

__all__ = [
    "AUTO_REUSE", "VariableScope", "get_variable", "get_variable_scope", "variable_scope"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
