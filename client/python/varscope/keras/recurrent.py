"""Layers of sequences: cells, what runs them over steps, both directions."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from varscope import _core, arrays, ops
from varscope.compat.v1 import nn
from varscope.keras import choices
from varscope.keras.base import Layer
from varscope.layers.scopes import channels
from varscope.ops import concat
from varscope.products import matmul
from varscope.rnn.cells import RNNCell
from varscope.scopes import variable_scope


class _Cell(Layer):
    """A cell with a matrix for the inputs, one for the state, and a bias."""

    _parts = 1

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, **keywords: Any) -> None:
        super().__init__(**keywords)
        if dropout or recurrent_dropout:
            raise NotImplementedError(f"{type(self).__name__}: varscope has no 'dropout' inside a "
                                      "recurrent layer; put a Dropout layer before it")
        self.units, self.use_bias = int(units), use_bias
        self.activation = choices.activation(activation)
        self._kernel = kernel_initializer, kernel_regularizer
        self._recurrent = recurrent_initializer, recurrent_regularizer
        self._bias = choices.initializer(bias_initializer), bias_regularizer

    @property
    def state_size(self) -> Any:
        """How many numbers each state has."""
        return self.units

    @property
    def output_size(self) -> int:
        """How many numbers an output has."""
        return self.units

    def make(self, inputs: Any) -> tuple[Any, ...]:
        """Returns the weights, in the scope that is open."""
        size, width = self._parts * self.units, channels(inputs)
        kernel = self.add_weight("kernel", [width, size], None, *self._kernel)
        state = self.add_weight("recurrent_kernel", [self.units, size], None, *self._recurrent)
        bias = self.add_weight("bias", [size], None, self._first_bias(), self._bias[1]
                               ) if self.use_bias else None
        return kernel, state, bias

    def _first_bias(self) -> Any:
        return self._bias[0]

    def of_inputs(self, inputs: Any, weights: Any) -> Any:
        """inputs * kernel + bias."""
        made = matmul(inputs, weights[0])
        return made if weights[2] is None else nn.bias_add(made, weights[2])

    def step(self, inputs: Any, states: Sequence[Any], weights: Any) -> tuple[Any, list[Any]]:
        """Returns the output and the new states."""
        raise NotImplementedError

    def call(self, inputs: Any, states: Any) -> tuple[Any, Any]:
        one = not isinstance(states, (list, tuple))
        output, new = self.step(inputs, [states] if one else states, self.make(inputs))
        return output, new[0] if one else new

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns states of zeros."""
        sizes = self.state_size
        made = [arrays.zeros(ops.convert_to_tensor([batch_size, size]) if isinstance(
            batch_size, int) else [batch_size, size], dtype)
                for size in (sizes if isinstance(sizes, list) else [sizes])]
        return made if isinstance(sizes, list) else made[0]


class SimpleRNNCell(_Cell):
    """activation(W input + U state + b)."""

    def step(self, inputs: Any, states: Sequence[Any], weights: Any) -> tuple[Any, list[Any]]:
        made = self.of_inputs(inputs, weights) + matmul(states[0], weights[1])
        made = made if self.activation is None else self.activation(made)
        return made, [made]


class LSTMCell(_Cell):
    """Long short-term memory; the parts are input, forget, cell and output."""

    _parts = 4

    def __init__(self, units: int, activation: Any = "tanh",
                 recurrent_activation: Any = "hard_sigmoid", use_bias: bool = True,
                 unit_forget_bias: bool = True, **keywords: Any) -> None:
        super().__init__(units, activation, use_bias, **keywords)
        self.recurrent_activation = choices.activation(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    @property
    def state_size(self) -> list[int]:
        return [self.units, self.units]

    def _first_bias(self) -> Any:
        if not self.unit_forget_bias:
            return self._bias[0]
        zeros = [0.0] * self.units
        from varscope.initializers import Constant
        return Constant(zeros + [1.0] * self.units + zeros + zeros)

    def step(self, inputs: Any, states: Sequence[Any], weights: Any) -> tuple[Any, list[Any]]:
        whole = self.of_inputs(inputs, weights) + matmul(states[0], weights[1])
        i, f, c, o = (whole[:, n * self.units:(n + 1) * self.units] for n in range(4))
        gate = self.recurrent_activation
        cell = gate(f) * states[1] + gate(i) * self.activation(c)
        output = gate(o) * self.activation(cell)
        return output, [output, cell]


class GRUCell(_Cell):
    """Gated recurrent units; the parts are update, reset and candidate."""

    _parts = 3

    def __init__(self, units: int, activation: Any = "tanh",
                 recurrent_activation: Any = "hard_sigmoid", use_bias: bool = True,
                 reset_after: bool = False, **keywords: Any) -> None:
        super().__init__(units, activation, use_bias, **keywords)
        if reset_after:
            raise NotImplementedError("GRU: varscope has no 'reset_after'")
        self.recurrent_activation = choices.activation(recurrent_activation)

    def step(self, inputs: Any, states: Sequence[Any], weights: Any) -> tuple[Any, list[Any]]:
        n, old = self.units, states[0]
        x, own = self.of_inputs(inputs, weights), weights[1]
        gates = x[:, :2 * n] + matmul(old, own[:, :2 * n])
        gates = self.recurrent_activation(gates)
        update, reset = gates[:, :n], gates[:, n:]
        new = self.activation(x[:, 2 * n:] + matmul(reset * old, own[:, 2 * n:]))
        made = update * old + (1.0 - update) * new
        return made, [made]


class _Steps(RNNCell):
    """Cells, one above the other, with their weights, as dynamic_rnn takes one."""

    def __init__(self, cells: Sequence[Any], weights: Sequence[Any]) -> None:
        super().__init__()
        self._cells, self._weights = cells, weights

    @property
    def state_size(self) -> Any:
        return tuple(size for cell in self._cells for size in _sizes(cell))

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        left, new = list(state), []
        for cell, weights in zip(self._cells, self._weights):
            own = [left.pop(0) for _ in _sizes(cell)]
            inputs, made = cell.step(inputs, own, weights) if isinstance(cell, _Cell) else cell(
                inputs, own)
            new += made if isinstance(made, (list, tuple)) else [made]
        return inputs, tuple(new)


def _sizes(cell: Any) -> list[int]:
    sizes = cell.state_size
    return list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]


class RNN(Layer):
    """Runs a cell, or several, over the steps of sequences."""

    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
                 **keywords: Any) -> None:
        if stateful:
            raise NotImplementedError(f"{type(self).__name__}: varscope has no 'stateful'")
        super().__init__(**keywords)
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards = go_backwards

    def __call__(self, inputs: Any, initial_state: Any = None, **keywords: Any) -> Any:
        """Returns the last output, or all, and the states if asked for."""
        if initial_state is not None:
            states = initial_state if isinstance(initial_state, (list, tuple)) else [initial_state]
            inputs = [inputs, *states]
        return super().__call__(inputs, **keywords)

    def call(self, inputs: Any) -> Any:
        x, *states = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        cells = list(self.cell) if isinstance(self.cell, (list, tuple)) else [self.cell]
        weights, below = [], x
        for number, cell in enumerate(cells):
            if not isinstance(cell, _Cell):
                weights.append(None)
            elif len(cells) == 1:
                weights.append(cell.make(below))
            else:
                with variable_scope(f"cell_{number}"):
                    weights.append(cell.make(below))
            if number + 1 < len(cells):
                below = arrays.zeros([1, cell.output_size])
        if self.go_backwards:
            x = _core.reverse(x, [1])
        outputs, last = nn.dynamic_rnn(
            _Steps(cells, weights), x, dtype="float32",
            initial_state=tuple(states) if states else None, scope=_core.get_variable_scope())
        output = outputs if self.return_sequences else outputs[:, -1]
        return [output, *last] if self.return_state else output


class SimpleRNN(RNN):
    """SimpleRNNCell over the steps."""

    _cell: Any = SimpleRNNCell

    def __init__(self, units: int, *arguments: Any, return_sequences: bool = False,
                 return_state: bool = False, go_backwards: bool = False, stateful: bool = False,
                 unroll: bool = False, **keywords: Any) -> None:
        of_layer = {key: keywords.pop(key) for key in (
            "name", "trainable", "dtype", "input_shape", "batch_input_shape", "input_dim",
            "batch_size", "weights") if key in keywords}
        length = keywords.pop("input_length", None)
        if "input_dim" in of_layer:
            of_layer["input_shape"] = (length, of_layer.pop("input_dim"))
        keywords.pop("implementation", None)
        super().__init__(type(self)._cell(units, *arguments, **keywords), return_sequences,
                         return_state, go_backwards, stateful, unroll, **of_layer)
        self.units = int(units)


class LSTM(SimpleRNN):
    """LSTMCell over the steps."""

    _cell = LSTMCell


class GRU(SimpleRNN):
    """GRUCell over the steps."""

    _cell = GRUCell


CuDNNLSTM, CuDNNGRU = LSTM, GRU


class Bidirectional(Layer):
    """A layer over the steps, and another one backwards."""

    def __init__(self, layer: RNN, merge_mode: str | None = "concat", **keywords: Any) -> None:
        if layer.batch_input_shape is not None and "batch_input_shape" not in keywords:
            keywords.setdefault("batch_input_shape", layer.batch_input_shape)
        if "input_shape" in keywords:
            keywords.pop("batch_input_shape", None)
        super().__init__(**keywords)
        if merge_mode not in ("concat", "sum", "mul", "ave", None):
            raise ValueError(f"Invalid merge mode '{merge_mode}'.")
        self.merge_mode = merge_mode
        self.forward_layer, self.backward_layer = copy.copy(layer), copy.copy(layer)
        self.forward_layer._name = f"forward_{layer._name}"
        self.backward_layer._name = f"backward_{layer._name}"
        self.backward_layer.go_backwards = not layer.go_backwards
        for own in (self.forward_layer, self.backward_layer):
            own._weights, own._updates, own._calls, own._tensors = [], [], [], []

    def call(self, inputs: Any) -> Any:
        first, second = self.forward_layer(inputs), self.backward_layer(inputs)
        states = []
        if self.forward_layer.return_state:
            first, *one = first
            second, *two = second
            states = [*one, *two]
        if self.forward_layer.return_sequences:
            second = _core.reverse(second, [1])
        made = {"concat": lambda: concat([first, second], -1), "sum": lambda: first + second,
                "mul": lambda: first * second, "ave": lambda: (first + second) / 2.0,
                None: lambda: [first, second]}[self.merge_mode]()
        return [*made, *states] if isinstance(made, list) else [made, *states] if states else made


class TimeDistributed(Layer):
    """A layer on each step."""

    def __init__(self, layer: Layer, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.layer = layer

    def call(self, inputs: Any, training: Any = None) -> Any:
        steps = inputs.shape.as_list()[1]
        rest = inputs.shape.as_list()[2:]
        flat = arrays.reshape(inputs, [-1, *rest])
        made = self.layer(flat, training=training) if self.layer.takes_training else self.layer(
            flat)
        size = _core.shape(inputs)[1] if steps is None else steps
        made_shape = made.shape.as_list()[1:]
        if steps is not None:
            return arrays.reshape(made, [-1, steps, *made_shape])
        return arrays.reshape(made, ops.convert_to_tensor([-1, size, *made_shape]))
