"""tf.keras.backend: the session that models use, values of variables, and ops by Keras's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varscope import _core, arrays, counting, ops
from varscope.compat.v1 import nn
from varscope.graphs import get_default_graph, reset_default_graph
from varscope.keras import learning_phase as phase
from varscope.keras import losses
from varscope.local_variables import local_variables_initializer
from varscope.session import BaseSession, Session, get_default_session
from varscope.variable_class import Variable

_open: list[Any] = []  # the session, and how many variables of its graph have their first values
_begun: list[Any] = [None, 0]


def get_session() -> BaseSession:
    """Returns the session that models use: the default one, else that of set_session(), else a new
    one of the default graph. All variables of the graph have values then."""
    session = get_default_session()
    if session is None:
        if not _open or _open[0].closed or _open[0].graph is not get_default_graph():
            _open[:] = [Session()]
        session = _open[0]
    begin(session)
    return session


def begin(session: BaseSession) -> None:
    """Gives variables that have none their first values."""
    with session.graph.as_default():
        from varscope.collections_ import global_variables, local_variables
        count = len(global_variables()) + len(local_variables())
        if _begun != [session, count]:
            from varscope.variables import variables_initializer
            local = [v for v in local_variables() if not _has_value(session, v)]
            if local:
                session.run(variables_initializer(local))
            if global_variables():
                session.run(_core.global_variables_initializer())
            _begun[:] = [session, count]


def _has_value(session: BaseSession, variable: _core.Variable) -> bool:
    from varscope import errors
    try:
        session.run(variable)
    except (errors.FailedPreconditionError, errors.NotFoundError):
        return False
    return True


def set_session(session: BaseSession) -> None:
    """Has models use a session."""
    _open[:] = [session]


def clear_session() -> None:
    """Begins with a new, empty graph."""
    if not get_default_session():
        reset_default_graph()
    _open.clear()
    _begun[:] = [None, 0]
    phase.forget()


def set_values(pairs: Sequence[tuple[_core.Variable, Any]]) -> None:
    """Gives variables values, at once."""
    session = get_session()
    feeds, steps = {}, []
    with session.graph.as_default():
        for variable, value in pairs:
            given = ops.placeholder(variable.dtype, variable.shape)
            feeds[given] = np.asarray(value)
            steps.append(variable.assign(given).op)
    session.run(steps, feeds)


def batch_set_value(tuples: Sequence[tuple[_core.Variable, Any]]) -> None:
    """Gives variables values."""
    set_values(tuples)


def set_value(x: _core.Variable, value: Any) -> None:
    """Gives a variable a value."""
    set_values([(x, value)])


def get_value(x: Any) -> Any:
    """Returns the value of a variable."""
    return get_session().run(x)


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """Returns the values of variables."""
    return get_session().run(list(tensors))


def eval(x: Any) -> Any:  # noqa: A001 (Keras's name)
    """Returns the value of a tensor."""
    return get_session().run(x)


def function(inputs: Sequence[Any], outputs: Any, updates: Any = None,
             **_: Any) -> Callable[[Sequence[Any]], Any]:
    """Returns a function of the inputs' values, which returns the outputs'."""
    given = [x for x in inputs if isinstance(x, _core.Tensor)]

    def call(values: Sequence[Any]) -> Any:
        feeds = {x: value for x, value in zip(inputs, values) if isinstance(x, _core.Tensor)}
        return get_session().run([outputs, list(updates or [])], feeds)[0]

    if len(given) != len([x for x in inputs if not isinstance(x, (int, bool))]):
        raise TypeError("`inputs` to a Keras backend function should be placeholders")
    return call


def placeholder(shape: Any = None, ndim: int | None = None, dtype: Any = None,
                sparse: bool = False, name: str | None = None) -> Any:
    """Returns what a run feeds."""
    if sparse:
        raise NotImplementedError("keras.backend.placeholder: varscope has no 'sparse'")
    return ops.placeholder(dtype or "float32", [None] * ndim if shape is None and ndim else shape,
                           name)


def variable(value: Any, dtype: Any = None, name: str | None = None,
             constraint: Any = None) -> _core.Variable:
    """Returns a variable."""
    return Variable(np.asarray(value, dtype or "float32"), name=name, constraint=constraint)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """Returns a constant."""
    return ops.constant(value, dtype or "float32", shape, name or "Const")


def int_shape(x: Any) -> tuple[Any, ...] | None:
    """Returns the dimensions, of which None is unknown."""
    return None if x.shape.ndims is None else tuple(x.shape.as_list())


def ndim(x: Any) -> Any:
    """Returns how many dimensions there are."""
    return x.shape.ndims


def dtype(x: Any) -> str:
    """Returns the name of the dtype."""
    return x.dtype.name


def floatx() -> str:
    """The dtype of layers."""
    return "float32"


def set_floatx(value: str) -> None:
    """float32 alone."""
    if value != "float32":
        raise NotImplementedError("keras.backend.set_floatx: varscope has float32 alone")


def epsilon() -> float:
    """What is added to what may be 0."""
    return 1e-7


def image_data_format() -> str:
    """The order of dimensions."""
    return "channels_last"


def image_dim_ordering() -> str:
    """Its older name."""
    return "tf"


def set_image_data_format(data_format: str) -> None:
    """channels_last alone."""
    if data_format != "channels_last":
        raise NotImplementedError("keras.backend: varscope has channels_last alone")


set_image_dim_ordering = set_image_data_format


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean."""
    return _core.reduce_mean(x, axis, keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001 (Keras's name)
    """The largest one."""
    return _core.reduce_max(x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001 (Keras's name)
    """The smallest one."""
    return _core.reduce_min(x, axis, keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product."""
    return _core.reduce_prod(x, axis, keepdims)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001 (Keras's name)
    """The sum."""
    return _core.reduce_sum(x, axis, keepdims)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(e^x))."""
    return _core.reduce_logsumexp(x, axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance."""
    return _core.reduce_mean(_core.square(x - _core.reduce_mean(x, axis, True)), axis, keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation."""
    return _core.sqrt(var(x, axis, keepdims))


def argmax(x: Any, axis: int = -1) -> Any:
    """The number of the largest one."""
    return _core.argmax(x, axis)


def dot(x: Any, y: Any) -> Any:
    """The product of matrices, over the last dimension of x."""
    from varscope import shaping
    return shaping.times_matrix(x, y)


def clip(x: Any, min_value: float, max_value: float) -> Any:
    """x between both."""
    return counting.clip_by_value(x, min_value, max_value)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """One after the other."""
    return ops.concat(list(tensors), axis)


def flatten(x: Any) -> Any:
    """One dimension."""
    return arrays.reshape(x, [-1])


def gradients(loss: Any, variables: Any) -> Any:
    """The gradients of a loss."""
    return ops.gradients(loss, variables)


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None,
                  seed: int | None = None) -> Any:
    """Numbers of a normal distribution."""
    from varscope import random_numbers
    return random_numbers.random_normal(shape, mean, stddev, dtype or "float32", seed)


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None,
                   seed: int | None = None) -> Any:
    """Numbers between both."""
    from varscope import random_numbers
    return random_numbers.random_uniform(shape, minval, maxval, dtype or "float32", seed)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Cross entropy of each element."""
    if from_logits:
        return nn.sigmoid_cross_entropy_with_logits(labels=target, logits=output)
    made = counting.clip_by_value(output, 1e-7, 1.0 - 1e-7)
    return -(target * _core.log(made) + (1.0 - target) * _core.log(1.0 - made))


abs, square, sqrt, exp, log = _core.abs, _core.square, _core.sqrt, _core.exp, _core.log
pow, sign, maximum, minimum = _core.pow, _core.sign, _core.maximum, _core.minimum
shape, cast, transpose, stack = _core.shape, _core.cast, _core.transpose, _core.stack
equal, greater, less = _core.equal, _core.greater, _core.less
relu, sigmoid, tanh, softmax, softplus = nn.relu, nn.sigmoid, nn.tanh, nn.softmax, nn.softplus
elu, l2_normalize = nn.elu, nn.l2_normalize
reshape, zeros, ones, tile, gather = (arrays.reshape, arrays.zeros, arrays.ones, arrays.tile,
                                      arrays.gather)
expand_dims, squeeze = ops.expand_dims, _core.squeeze
zeros_like, ones_like = counting.zeros_like, counting.ones_like
stop_gradient = _core.stop_gradient
categorical_crossentropy = losses.categorical_crossentropy
sparse_categorical_crossentropy = losses.sparse_categorical_crossentropy
learning_phase, set_learning_phase = phase.learning_phase, phase.set_learning_phase
