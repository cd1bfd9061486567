"""Cells: one step of a recurrent network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core, initializers
from varscope.layers.scopes import by_name, layer_scope
from varscope.ops import convert_to_tensor
from varscope.rnn import states
from varscope.rnn.states import LSTMStateTuple
from varscope.scopes import name_scope, refuse
from varscope.variables import get_variable


class RNNCell:
    """The base of cells. A cell makes its variables at its first call, and uses them ever after.

    A class of a program's own defines state_size, output_size and __call__, or call.
    """

    _default_name = "rnn_cell"

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None,
                 _reuse: Any = None) -> None:
        self._name = name
        self._reuse = _reuse
        self._made: dict[str, _core.Variable] = {}

    @property
    def state_size(self) -> Any:
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        raise NotImplementedError("Abstract method")

    @property
    def name(self) -> str:
        """What its scope is called."""
        return self.__dict__.get("_name") or self._default_name

    @property
    def variables(self) -> list[_core.Variable]:
        return list(self._made.values())

    trainable_variables = trainable_weights = weights = variables

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns a state of zeros, in the form of state_size."""
        with name_scope(type(self).__name__ + "ZeroState"):
            return states.zeros(self.state_size, batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        """Returns the output and the next state."""
        if self._variables():
            with name_scope(self._name or self._default_name):
                return self.call(inputs, state)
        with layer_scope(scope or self._name, self._default_name, self._reuse):
            return self.call(inputs, state)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        """What __call__ does in the cell's scope."""
        raise NotImplementedError("Abstract method")

    def __deepcopy__(self, memo: Any) -> RNNCell:
        """Returns a cell of the same kind, with cells of its own inside; with its variables, if they
        are there already."""
        made = copy.copy(self)
        memo[id(self)] = made
        made._made = dict(self._variables())
        for name, value in vars(self).items():
            cells = value if isinstance(value, (list, tuple)) else [value]
            if cells and all(isinstance(cell, RNNCell) for cell in cells):
                setattr(made, name, copy.deepcopy(value, memo))
        return made

    def _variables(self) -> dict[str, _core.Variable]:
        # A class of a program's own perhaps does not call this one's __init__.
        return self.__dict__.setdefault("_made", {})

    def _weight(self, name: str, shape: Sequence[int], dtype: Any, initializer: Any = None) -> Any:
        """The cell's variable of this name."""
        made = self._variables()
        if name not in made:
            made[name] = get_variable(name, list(shape), dtype, initializer)
        return made[name]

    def _linear(self, name: str, parts: Sequence[Any], size: int, kernel: Any = None,
                bias: Any = initializers.Zeros()) -> _core.Tensor:
        """The parts side by side, times a matrix, plus a bias."""
        prefix = name + "/" if name else ""
        parts = [convert_to_tensor(part) for part in parts]
        depth = sum(part.shape.as_list()[1] for part in parts)
        joined = parts[0] if len(parts) == 1 else _core._concat(list(parts), 1, None)
        weights = self._weight(prefix + "kernel", [depth, size], parts[0].dtype, kernel)
        product = _core.matmul(joined, weights)
        if bias is None:
            return product
        return _core.nn._bias_add(
            product, self._weight(prefix + "bias", [size], parts[0].dtype, bias), None)


class _OutputIsStateCell(RNNCell):
    """A cell whose output is its state."""

    def __init__(self, num_units: int, activation: Callable | None = None, reuse: Any = None,
                 name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, _reuse=reuse)
        self._num_units = num_units
        self._activation = by_name("activation", activation) or _core.tanh

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units


class BasicRNNCell(_OutputIsStateCell):
    """activation(W * [input, state] + b)."""

    _default_name = "basic_rnn_cell"

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        output = self._activation(self._linear("", [inputs, state], self._num_units))
        return output, output


class GRUCell(_OutputIsStateCell):
    """Cho et al. 2014 (arXiv 1406.1078)."""

    _default_name = "gru_cell"

    def __init__(self, num_units: int, activation: Callable | None = None, reuse: Any = None,
                 kernel_initializer: Any = None, bias_initializer: Any = None,
                 name: str | None = None, dtype: Any = None) -> None:
        super().__init__(num_units, activation, reuse, name)
        self._kernel = kernel_initializer
        self._bias = bias_initializer

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        n = self._num_units
        gates = _core.sigmoid(self._linear("gates", [inputs, state], 2 * n, self._kernel,
                                           self._bias or initializers.Constant(1.0)))
        reset, update = gates[:, :n], gates[:, n:]
        candidate = self._activation(
            self._linear("candidate", [inputs, reset * state], n, self._kernel,
                         self._bias or initializers.Zeros()))
        new = update * state + (1.0 - update) * candidate
        return new, new


class BasicLSTMCell(RNNCell):
    """Zaremba et al. 2014 (arXiv 1409.2329)."""

    _default_name = "basic_lstm_cell"

    def __init__(self, num_units: int, forget_bias: float = 1.0, state_is_tuple: bool = True,
                 activation: Callable | None = None, reuse: Any = None, name: str | None = None,
                 dtype: Any = None, input_size: None = None) -> None:
        super().__init__(name=name, _reuse=reuse)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = by_name("activation", activation) or _core.tanh

    @property
    def state_size(self) -> Any:
        n = self._num_units
        return LSTMStateTuple(n, n) if self._state_is_tuple else 2 * n

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        n = self._num_units
        c, h = state if self._state_is_tuple else (state[:, :n], state[:, n:])
        gates = self._linear("", [inputs, h], 4 * n)
        i, j, f, o = (gates[:, k * n:(k + 1) * n] for k in range(4))
        new_c = c * _core.sigmoid(f + self._forget_bias) + _core.sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * _core.sigmoid(o)
        return new_h, _lstm_state(new_c, new_h, self._state_is_tuple)


def _lstm_state(c: Any, h: Any, as_tuple: bool) -> Any:
    return LSTMStateTuple(c, h) if as_tuple else _core._concat([c, h], 1, None)


class NASCell(RNNCell):
    """The cell that Zoph and Le 2016 found (arXiv 1611.01578)."""

    _default_name = "nas_cell"

    def __init__(self, num_units: int, num_proj: int | None = None, use_bias: bool = False,
                 reuse: Any = None, use_biases: bool = False) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._num_proj = num_proj
        self._bias = initializers.Zeros() if use_bias or use_biases else None

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self.output_size)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        n = self._num_units
        c, m = state
        of_inputs = self._linear("input", [inputs], 8 * n, bias=None)
        of_output = self._linear("recurrent", [m], 8 * n, bias=self._bias)
        x = [of_inputs[:, k * n:(k + 1) * n] for k in range(8)]
        y = [of_output[:, k * n:(k + 1) * n] for k in range(8)]
        relu, sigmoid, tanh = _core.nn.relu, _core.sigmoid, _core.tanh
        left = tanh(tanh(sigmoid(x[0] + y[0]) * relu(x[1] + y[1])) + c)
        new_c = left * tanh(sigmoid(x[2] + y[2]) + relu(x[3] * y[3]))
        right = tanh(tanh(tanh(x[4] + y[4]) * sigmoid(x[5] + y[5])) +
                     sigmoid(tanh(x[6] + y[6]) + sigmoid(x[7] + y[7])))
        new_m = tanh(new_c * right)
        if self._num_proj is not None:
            new_m = self._linear("projection", [new_m], self._num_proj, bias=None)
        return new_m, LSTMStateTuple(new_c, new_m)


class LSTMCell(RNNCell):
    """Sak et al. 2014, with peepholes and a projection where asked for."""

    _default_name = "lstm_cell"

    def __init__(self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None,
                 initializer: Any = None, num_proj: int | None = None,
                 proj_clip: float | None = None, num_unit_shards: None = None,
                 num_proj_shards: None = None, forget_bias: float = 1.0,
                 state_is_tuple: bool = True, activation: Callable | None = None,
                 reuse: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, _reuse=reuse)
        refuse("LSTMCell", num_unit_shards=num_unit_shards, num_proj_shards=num_proj_shards)
        self._num_units = num_units
        self._peepholes = use_peepholes
        self._clips = cell_clip, proj_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = by_name("activation", activation) or _core.tanh

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    @property
    def state_size(self) -> Any:
        sizes = self._num_units, self.output_size
        return LSTMStateTuple(*sizes) if self._state_is_tuple else sum(sizes)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        n = self._num_units
        c, h = state if self._state_is_tuple else (state[:, :n], state[:, n:])
        gates = self._linear("", [inputs, h], 4 * n, self._initializer)
        i, j, f, o = (gates[:, k * n:(k + 1) * n] for k in range(4))
        f = self._peeped(f + self._forget_bias, "w_f_diag", c)
        new_c = _core.sigmoid(f) * c + _core.sigmoid(
            self._peeped(i, "w_i_diag", c)) * self._activation(j)
        new_c = _clipped(new_c, self._clips[0])
        new_h = _core.sigmoid(self._peeped(o, "w_o_diag", new_c)) * self._activation(new_c)
        return self._with_state(new_c, self._projected(new_h))

    def _peeped(self, gate: Any, name: str, c: Any) -> Any:
        if not self._peepholes:
            return gate
        return gate + self._weight(name, [self._num_units], gate.dtype, self._initializer) * c

    def _projected(self, h: Any) -> Any:
        if self._num_proj is None:
            return h
        weights = self._weight("projection/kernel", [self._num_units, self._num_proj], h.dtype,
                               self._initializer)
        return _clipped(_core.matmul(h, weights), self._clips[1])

    def _with_state(self, c: Any, h: Any) -> tuple[Any, Any]:
        return h, _lstm_state(c, h, self._state_is_tuple)


def _clipped(x: Any, limit: float | None) -> Any:
    return x if limit is None else _core.clip_by_value(x, -limit, limit)


class MultiRNNCell(RNNCell):
    """Cells one above the other."""

    _default_name = "multi_rnn_cell"

    def __init__(self, cells: Sequence[RNNCell], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        self._cells = list(cells)
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    @property
    def variables(self) -> list[_core.Variable]:
        return [variable for cell in self._cells for variable in cell.variables]

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns the zero states of all cells."""
        if not self._state_is_tuple:
            return super().zero_state(batch_size, dtype)
        return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        old = state if self._state_is_tuple else self._cut(state)
        new = []
        for number, (cell, own) in enumerate(zip(self._cells, old)):
            with layer_scope(f"cell_{number}", "cell", None):
                inputs, own = cell(inputs, own)
            new.append(own)
        return inputs, tuple(new) if self._state_is_tuple else _core._concat(new, 1, None)

    def _cut(self, state: Any) -> list[Any]:
        parts, begin = [], 0
        for cell in self._cells:
            parts.append(state[:, begin:begin + cell.state_size])
            begin += cell.state_size
        return parts
