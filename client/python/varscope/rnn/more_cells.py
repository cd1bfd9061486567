"""The cells of tf.contrib.rnn beside those of tf.nn.rnn_cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from varscope import _core, initializers
from varscope.compat import v1 as tf
from varscope.compat.v1 import nn
from varscope.layers.scopes import by_name
from varscope.rnn.cells import GRUCell, LSTMCell, RNNCell
from varscope.rnn.states import LSTMStateTuple
from varscope.rnn.wrappers import Wrapper


class LayerNormBasicLSTMCell(RNNCell):
    """An LSTM whose gates are normalized, each by itself: Ba et al. 2016 (arXiv 1607.06450). What is
    new is dropped at random, as Semeniuta et al. 2016 (arXiv 1603.05118) do."""

    _default_name = "layer_norm_basic_lstm_cell"

    def __init__(self, num_units: int, forget_bias: float = 1.0, input_size: Any = None,
                 activation: Callable | None = None, layer_norm: bool = True, norm_gain: float = 1.0,
                 norm_shift: float = 0.0, dropout_keep_prob: Any = 1.0,
                 dropout_prob_seed: int | None = None, reuse: Any = None) -> None:
        super().__init__(_reuse=reuse)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._activation = by_name("activation", activation) or _core.tanh
        self._normalizes, self._gain, self._shift = layer_norm, norm_gain, norm_shift
        self._keep, self._seed = dropout_keep_prob, dropout_prob_seed

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def _normed(self, x: Any, name: str) -> Any:
        if not self._normalizes:
            return x
        mean, variance = nn.moments(x, [1], keep_dims=True)
        gamma = self._weight(name + "/gamma", [self._num_units], x.dtype,
                             initializers.Constant(self._gain))
        beta = self._weight(name + "/beta", [self._num_units], x.dtype,
                            initializers.Constant(self._shift))
        return nn.batch_normalization(x, mean, variance, beta, gamma, 1e-12)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        n = self._num_units
        bias = None if self._normalizes else initializers.Zeros()
        gates = self._linear("", [inputs, state[1]], 4 * n, None, bias)
        i, j, f, o = (self._normed(gates[:, place * n:(place + 1) * n], name)
                      for place, name in enumerate(("input", "transform", "forget", "output")))
        new = self._activation(j)
        if not (isinstance(self._keep, (int, float)) and self._keep >= 1):
            new = nn.dropout(new, self._keep, seed=self._seed)
        cells = state[0] * _core.sigmoid(f + self._forget_bias) + _core.sigmoid(i) * new
        cells = self._normed(cells, "state")
        output = self._activation(cells) * _core.sigmoid(o)
        return output, LSTMStateTuple(cells, output)


class LSTMBlockCell(LSTMCell):
    """An LSTM, whose ops TensorFlow has in one."""

    _default_name = "lstm_cell"

    def __init__(self, num_units: int, forget_bias: float = 1.0, cell_clip: float | None = None,
                 use_peephole: bool = False, dtype: Any = None, reuse: Any = None,
                 name: str = "lstm_cell") -> None:
        super().__init__(num_units, use_peepholes=use_peephole, cell_clip=cell_clip,
                         forget_bias=forget_bias, reuse=reuse, name=name)


class GRUBlockCell(GRUCell):
    """A GRU, whose ops TensorFlow has in one."""

    def __init__(self, num_units: Any = None, cell_size: Any = None, reuse: Any = None,
                 name: str = "gru_cell") -> None:
        super().__init__(cell_size if num_units is None else num_units, reuse=reuse, name=name)


GRUBlockCellV2 = GRUBlockCell


class UGRNNCell(RNNCell):
    """One gate: Collins et al. 2017 (arXiv 1611.09913)."""

    _default_name = "ugrnn_cell"

    def __init__(self, num_units: int, initializer: Any = None, forget_bias: float = 1.0,
                 activation: Callable | None = None, reuse: Any = None) -> None:
        super().__init__(_reuse=reuse)
        self._num_units, self._initializer = num_units, initializer
        self._forget_bias, self._activation = forget_bias, activation or _core.tanh

    @property
    def state_size(self) -> int:
        return self._num_units

    output_size = state_size

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        n = self._num_units
        both = self._linear("", [inputs, state], 2 * n, self._initializer)
        gate = _core.sigmoid(both[:, n:] + self._forget_bias)
        new = gate * state + (1.0 - gate) * self._activation(both[:, :n])
        return new, new


class HighwayWrapper(Wrapper):
    """A gate between a cell's input and its output: Srivastava et al. 2015 (arXiv 1505.00387)."""

    _default_name = "highway_wrapper"

    def __init__(self, cell: RNNCell, couple_carry_transform_gates: bool = True,
                 carry_bias_init: float = 1.0) -> None:
        super().__init__(cell)
        self._couples, self._bias = couple_carry_transform_gates, carry_bias_init

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        output, new = self._cell(inputs, state)
        size = inputs.shape.as_list()[-1]

        def gate(name: str, bias: float) -> Any:
            matrix = self._weight(name + "_w", [size, size], inputs.dtype)
            start = self._weight(name + "_b", [size], inputs.dtype, initializers.Constant(bias))
            return _core.sigmoid(nn.xw_plus_b(inputs, matrix, start))

        carry = gate("carry", self._bias)
        transform = 1.0 - carry if self._couples else gate("transform", -self._bias)
        return inputs * carry + output * transform, new


class DeviceWrapper(Wrapper):
    """A cell on a device, which is a name alone."""

    def __init__(self, cell: RNNCell, device: Any) -> None:
        super().__init__(cell)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        """Returns the output and the next state."""
        return self._cell(inputs, state, scope)


class AttentionCellWrapper(Wrapper):
    """A cell that looks at its last attn_length outputs: Bahdanau et al. 2014 (arXiv 1409.0473)."""

    _default_name = "attention_cell_wrapper"

    def __init__(self, cell: RNNCell, attn_length: int, attn_size: int | None = None,
                 attn_vec_size: int | None = None, input_size: int | None = None,
                 state_is_tuple: bool = True, reuse: Any = None) -> None:
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        if not state_is_tuple:
            raise NotImplementedError("AttentionCellWrapper: varscope has states that are tuples")
        super().__init__(cell)
        self._reuse = reuse
        self._length = attn_length
        self._size = cell.output_size if attn_size is None else attn_size
        self._vector_size = self._size if attn_vec_size is None else attn_vec_size
        self._input_size = input_size

    @property
    def state_size(self) -> Any:
        return self._cell.state_size, self._size, self._size * self._length

    @property
    def output_size(self) -> int:
        return self._size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns a state of zeros."""
        return RNNCell.zero_state(self, batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        state, attention, memory = state
        memory = _core.reshape(memory, [-1, self._length, self._size])
        size = self._input_size or inputs.shape.as_list()[1]
        inputs = self._linear("input", [inputs, attention], size)
        output, new = self._cell(inputs, state)
        parts = list(new) if isinstance(new, tuple) else [new]
        attention, rest = self._looked(_core._concat(parts, 1, None), memory)
        output = self._linear("output", [output, attention], self._size)
        memory = _core._concat([rest, tf.expand_dims(output, 1)], 1, None)
        return output, (new, attention, _core.reshape(memory, [-1, self._size * self._length]))

    def _looked(self, query: Any, memory: Any) -> tuple[Any, Any]:
        """What it sees, and its memory without the oldest output."""
        kernel = self._weight("attention/attn_w", [1, 1, self._size, self._vector_size],
                              memory.dtype)
        vector = self._weight("attention/attn_v", [self._vector_size], memory.dtype)
        hidden = tf.reshape(memory, [-1, self._length, 1, self._size])
        features = nn.conv2d(hidden, kernel, [1, 1, 1, 1], "SAME")
        asked = self._linear("attention", [query], self._vector_size)
        asked = tf.reshape(asked, [-1, 1, 1, self._vector_size])
        scores = _core.reduce_sum(vector * _core.tanh(features + asked), [2, 3])
        shares = tf.reshape(nn.softmax(scores), [-1, self._length, 1, 1])
        seen = _core.reduce_sum(shares * hidden, [1, 2])
        return _core.reshape(seen, [-1, self._size]), memory[:, 1:]


class ConvLSTMCell(RNNCell):
    """An LSTM of images, or of sequences or volumes: Shi et al. 2015 (arXiv 1506.04214)."""

    _default_name = "conv_lstm_cell"

    def __init__(self, conv_ndims: int, input_shape: Sequence[int], output_channels: int,
                 kernel_shape: Sequence[int], use_bias: bool = True, skip_connection: bool = False,
                 forget_bias: float = 1.0,
                 initializers: Any = None, name: str = "conv_lstm_cell") -> None:
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}.")
        self._dims, self._shape = conv_ndims, list(input_shape)
        self._channels, self._kernel = output_channels, list(kernel_shape)
        self._biased, self._skips, self._forget_bias = use_bias, skip_connection, forget_bias

    @property
    def output_size(self) -> Any:
        channels = self._channels + (self._shape[-1] if self._skips else 0)
        return tf.TensorShape([*self._shape[:-1], channels])

    @property
    def state_size(self) -> Any:
        size = tf.TensorShape([*self._shape[:-1], self._channels])
        return LSTMStateTuple(size, size)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        cells, hidden = state
        both = _core._concat([inputs, hidden], self._dims + 1, None)
        depth, n = both.shape.as_list()[-1], self._channels
        kernel = self._weight("kernel", [*self._kernel, depth, 4 * n], inputs.dtype)
        gates = nn.convolution(both, kernel, "SAME")
        if self._biased:
            gates = gates + self._weight("biases", [4 * n], inputs.dtype,
                                         initializers.Zeros())
        i, j, f, o = (gates[..., place * n:(place + 1) * n] for place in range(4))
        cells = _core.sigmoid(f + self._forget_bias) * cells + _core.sigmoid(i) * _core.tanh(j)
        output = _core.tanh(cells) * _core.sigmoid(o)
        shown = _core._concat([output, inputs], self._dims + 1, None) if self._skips else output
        return shown, LSTMStateTuple(cells, output)


class Conv1DLSTMCell(ConvLSTMCell):
    """An LSTM of sequences."""

    def __init__(self, name: str = "conv_1d_lstm_cell", **keywords: Any) -> None:
        super().__init__(1, name=name, **keywords)


class Conv2DLSTMCell(ConvLSTMCell):
    """An LSTM of images."""

    def __init__(self, name: str = "conv_2d_lstm_cell", **keywords: Any) -> None:
        super().__init__(2, name=name, **keywords)


class Conv3DLSTMCell(ConvLSTMCell):
    """An LSTM of volumes."""

    def __init__(self, name: str = "conv_3d_lstm_cell", **keywords: Any) -> None:
        super().__init__(3, name=name, **keywords)
