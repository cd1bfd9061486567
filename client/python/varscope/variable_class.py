"""tf.Variable: the class that scripts call, and ask whether a thing is one of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from varscope import _core, constraints, creators, initializers
from varscope.collections_ import check_collections
from varscope.strings import variables as string_variables
from varscope.synchronization import (VariableAggregation, VariableSynchronization,
                                      trainable_by)


def new_variable(**keywords: Any) -> _core.Variable:
    """Returns a new variable: what the last creator does with its keywords."""
    constraint = keywords.pop("constraint", None)
    synchronization = keywords.pop("synchronization", VariableSynchronization.AUTO)
    keywords.pop("aggregation", None)
    keywords.pop("shape", None)
    keywords["trainable"] = trainable_by(keywords.get("trainable"), synchronization)
    if string_variables.is_of_strings(keywords.get("dtype"), keywords.get("initial_value")):
        return string_variables.variable(keywords["initial_value"], keywords.get("name"))
    if keywords.get("initial_value") is None:
        raise ValueError("initial_value must be specified.")
    initializers.check_dtype(keywords["initial_value"], keywords.get("dtype"))
    check_collections(keywords.get("collections"))
    variable = _core.Variable(**keywords)
    constraints.note(variable, constraint)
    return variable


class _Making(type):
    """What a call of the class does, and which objects are its own."""

    def __call__(cls, initial_value: Any = None, trainable: Any = None, collections: Any = None,
                 validate_shape: bool = True, caching_device: Any = None, name: str | None = None,
                 variable_def: Any = None, dtype: Any = None, expected_shape: Any = None,
                 import_scope: Any = None, constraint: Any = None,
                 use_resource: bool | None = None,
                 synchronization: VariableSynchronization = VariableSynchronization.AUTO,
                 aggregation: VariableAggregation = VariableAggregation.NONE,
                 shape: Any = None) -> _core.Variable:
        return creators.made(
            new_variable, initial_value=initial_value, trainable=trainable,
            collections=collections, validate_shape=validate_shape, caching_device=caching_device,
            name=name, variable_def=variable_def, dtype=dtype, expected_shape=expected_shape,
            import_scope=import_scope, constraint=constraint, use_resource=use_resource,
            synchronization=synchronization, aggregation=aggregation, shape=shape)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, _core.Variable)

    def __subclasscheck__(cls, other: type) -> bool:
        return other is cls or issubclass(other, _core.Variable)

    def __getattr__(cls, name: str) -> Any:
        return getattr(_core.Variable, name)


if TYPE_CHECKING:
    Variable = _core.Variable
else:
    class Variable(metaclass=_Making):
        """A variable that lives on the server, shared by its name: a new name, made unique."""
