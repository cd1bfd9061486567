"""tf.Assert and its like: ops that end a run with InvalidArgumentError."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from varscope import _core, graph_data
from varscope.checks import checked
from varscope.counting import reduce_all
from varscope.errors import InvalidArgumentError
from varscope.ops import convert_to_tensor
from varscope.scopes import control_dependencies, name_scope


def Assert(condition: Any, data: Iterable[Any], summarize: int | None = None,
           name: str | None = None) -> _core.Operation:
    """Returns an op that ends a run where the condition is false. The message says which data there
    are, not their values."""
    with name_scope(name, "Assert", [condition]):
        op = checked(True, convert_to_tensor(condition), "Assert").op
        said = " ".join(f"[{_shown(x)}]" for x in data)
        graph_data.of_default().assertions[op.name] = f"assertion failed: {said}"
        return op


def _shown(x: Any) -> str:
    return x.name if isinstance(x, (_core.Tensor, _core.Variable)) else str(x)


def explained(graph: _core.Graph, error: InvalidArgumentError) -> InvalidArgumentError:
    """Returns what to say of an error in a run: an assertion's own message."""
    text = str(error)
    for name, said in graph_data.of(graph).assertions.items():
        if f"'{name}'" in text:
            return InvalidArgumentError(error.node_def, error.op, f"{said} [op '{name}']")
    return error


_Comparison = Callable[[Any, Any], Any]


def _compared(symbol: str, function: str, compare: _Comparison, x: Any, y: Any, data: Any,
              message: str | None, name: str | None) -> _core.Operation:
    with name_scope(name, function, [x, y]) as scope:
        x, y = _pair(x, y)
        parts = [f"Condition x {symbol} y did not hold element-wise:", x, y]
        return Assert(reduce_all(compare(x, y)), _with(message, data, parts), None, scope)


def _signed(symbol: str, function: str, compare: _Comparison, x: Any, data: Any,
            message: str | None, name: str | None) -> _core.Operation:
    with name_scope(name, function, [x]) as scope:
        x = convert_to_tensor(x)
        parts = [f"Condition x {symbol} 0 did not hold element-wise:", x]
        held = reduce_all(compare(x, _core.cast(0, x.dtype)))
        return Assert(held, _with(message, data, parts), None, scope)


def _pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Both as tensors, a number of Python's in the other's dtype."""
    for value in (x, y):
        if isinstance(value, (_core.Tensor, _core.Variable)):
            return tuple(z if isinstance(z, (_core.Tensor, _core.Variable))
                         else convert_to_tensor(z, value.dtype) for z in (x, y))
    return convert_to_tensor(x), convert_to_tensor(y)


def _with(message: str | None, data: Any, parts: list[Any]) -> list[Any]:
    return ([message] if message else []) + (parts if data is None else list(data))


def assert_equal(x: Any, y: Any, data: Any = None, summarize: int | None = None,
                 message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x == y."""
    return _compared("==", "assert_equal", _core.equal, x, y, data, message, name)


def assert_none_equal(x: Any, y: Any, data: Any = None, summarize: int | None = None,
                      message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x != y."""
    return _compared("!=", "assert_none_equal", _core.not_equal, x, y, data, message, name)


def assert_less(x: Any, y: Any, data: Any = None, summarize: int | None = None,
                message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x < y."""
    return _compared("<", "assert_less", _core.less, x, y, data, message, name)


def assert_less_equal(x: Any, y: Any, data: Any = None, summarize: int | None = None,
                      message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x <= y."""
    return _compared("<=", "assert_less_equal", _core.less_equal, x, y, data, message, name)


def assert_greater(x: Any, y: Any, data: Any = None, summarize: int | None = None,
                   message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x > y."""
    return _compared(">", "assert_greater", _core.greater, x, y, data, message, name)


def assert_greater_equal(x: Any, y: Any, data: Any = None, summarize: int | None = None,
                         message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x >= y."""
    return _compared(">=", "assert_greater_equal", _core.greater_equal, x, y, data, message, name)


def assert_positive(x: Any, data: Any = None, summarize: int | None = None,
                    message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x > 0."""
    return _signed(">", "assert_positive", _core.greater, x, data, message, name)


def assert_negative(x: Any, data: Any = None, summarize: int | None = None,
                    message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x < 0."""
    return _signed("<", "assert_negative", _core.less, x, data, message, name)


def assert_non_negative(x: Any, data: Any = None, summarize: int | None = None,
                        message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x >= 0."""
    return _signed(">=", "assert_non_negative", _core.greater_equal, x, data, message, name)


def assert_non_positive(x: Any, data: Any = None, summarize: int | None = None,
                        message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where not all of x <= 0."""
    return _signed("<=", "assert_non_positive", _core.less_equal, x, data, message, name)


def _ranked(x: Any, rank: Any, message: str | None, name: str | None, function: str,
            symbol: str, compare: _Comparison) -> _core.Operation:
    with name_scope(name, function, [x]) as scope:
        x = convert_to_tensor(x)
        if isinstance(rank, int) and x.shape.ndims is not None:
            if not compare(x.shape.ndims, rank):
                raise ValueError(f"{(message or '') + ' '}{x.name} must have rank {symbol}{rank}. "
                                 f"Received rank {x.shape.ndims}, shape {x.shape}")
            return _core.no_op("static_checks_determined_all_ok")
        own = _core.rank(x)
        held = (_core.equal if function == "assert_rank" else _core.greater_equal)(own, rank)
        return Assert(held, _with(message, None, [f"{x.name} must have rank {symbol}{rank}"]),
                      None, scope)


def assert_rank(x: Any, rank: Any, data: Any = None, summarize: int | None = None,
                message: str | None = None, name: str | None = None) -> _core.Operation:
    """Ends a run where x has not this number of dimensions; ValueError where that is known."""
    return _ranked(x, rank, message, name, "assert_rank", "", lambda a, b: a == b)


def assert_rank_at_least(x: Any, rank: Any, data: Any = None, summarize: int | None = None,
                         message: str | None = None, name: str | None = None) -> _core.Operation:
    """The same where it has fewer."""
    return _ranked(x, rank, message, name, "assert_rank_at_least", "at least ",
                   lambda a, b: a >= b)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> _core.Tensor:
    """Returns the tensor, unless a number in it is not finite: that ends the run."""
    with name_scope(name, "CheckNumerics", [tensor]) as scope:
        tensor = convert_to_tensor(tensor)
        finite = Assert(reduce_all(_core.is_finite(tensor)),
                        [f"{message} : Tensor had NaN or Inf values", tensor])
        with control_dependencies([finite]):
            return _core.identity(tensor, scope)


def add_check_numerics_ops() -> _core.Operation:
    """Returns an op that ends a run in which a number of any of the graph's tensors is not finite."""
    checks = [check_numerics(tensor, tensor.name)
              for op in _core.get_default_graph().get_operations()
              for tensor in op.outputs if tensor.dtype.is_floating and op.type != "VarHandleOp"]
    from varscope.ops import group
    return group(*[check.op for check in checks])
