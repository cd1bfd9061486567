"""Local variables: of one worker, of which the initializer does reset the value.

They are the store's as all others; the collection LOCAL_VARIABLES says which they are.
"""

from __future__ import annotations

from typing import Any

from varscope import _core, initializers
from varscope.collections_ import GraphKeys, local_variables
from varscope.control_flow import is_inside
from varscope.ops import group
from varscope.scopes import control_dependencies
from varscope.shapes import TensorShape
from varscope.synchronization import VariableAggregation, VariableSynchronization
from varscope.variables import assign, get_variable


def get_local_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
                       regularizer: Any = None, trainable: bool = False,
                       collections: Any = None, caching_device: None = None,
                       partitioner: Any = None, validate_shape: bool = True,
                       use_resource: bool | None = None, custom_getter: Any = None,
                       constraint: Any = None,
                       synchronization: VariableSynchronization = VariableSynchronization.AUTO,
                       aggregation: VariableAggregation = VariableAggregation.NONE, *,
                       reuse: Any = None) -> _core.Variable:
    """get_variable for a variable that is in LOCAL_VARIABLES, and is not trained."""
    keys = dict.fromkeys([*(collections or []), GraphKeys.LOCAL_VARIABLES])
    if shape is not None and initializers.is_initializer(initializer) and not is_inside():
        # A tensor, whose value the initializer op can give it again.
        dims, wanted = TensorShape(shape), dtype or _core.get_variable_scope().dtype
        if dims.is_fully_defined():
            value = initializers.constant_of(initializer, dims.as_list(), _core.as_dtype(wanted))
            if value is not None:
                initializer, shape = _core._constant(value, None, None), None
    return get_variable(name, shape, dtype, initializer, regularizer, False, list(keys),
                        caching_device, partitioner, validate_shape, use_resource, custom_getter,
                        constraint, synchronization, aggregation, reuse=reuse)


def local_variables_initializer() -> _core.Operation:
    """Returns an op that sets local variables to what they started as; those that the server
    initializes keep their values."""
    found = local_variables()
    values = [(variable, _core._initial_value_of(variable)) for variable in found]
    first = _core._initializer_of(found, "init_first")
    with control_dependencies([first]):
        again = [assign(variable, value).op for variable, value in values if value is not None]
    return group(first, *again, name="init")
