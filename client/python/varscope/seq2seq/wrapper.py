"""A cell with attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from varscope import _core
from varscope.compat import v1 as tf
from varscope.layers.dense import Dense
from varscope.layers.scopes import layer_scope
from varscope.ops import convert_to_tensor
from varscope.rnn import states
from varscope.rnn.cells import RNNCell
from varscope.shapes import TensorShape
from varscope.tensor_arrays import TensorArray


class AttentionWrapperState(NamedTuple):
    """The state of an AttentionWrapper."""

    cell_state: Any
    attention: Any
    time: Any
    alignments: Any
    alignment_history: Any
    attention_state: Any

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """Returns a copy in which these are otherwise."""
        return self._replace(**kwargs)


class AttentionWrapper(RNNCell):
    """A cell whose output, and next input, have what it looks at in one memory, or in several."""

    _default_name = "attention_wrapper"

    def __init__(self, cell: RNNCell, attention_mechanism: Any, attention_layer_size: Any = None,
                 alignment_history: bool = False,
                 cell_input_fn: Callable[[Any, Any], Any] | None = None,
                 output_attention: bool = True, initial_cell_state: Any = None,
                 name: str | None = None, attention_layer: Any = None) -> None:
        super().__init__(name=name)
        self._cell = cell
        self._several = isinstance(attention_mechanism, (list, tuple))
        self._mechanisms = list(attention_mechanism) if self._several else [attention_mechanism]
        self._layers = self._made_layers(attention_layer_size, attention_layer)
        self._attention_size = sum(
            mechanism.values.shape.as_list()[-1] if layer is None else layer.units
            for mechanism, layer in zip(self._mechanisms, self._layers))
        self._history = alignment_history
        self._joined = cell_input_fn or (lambda inputs, attention: tf.concat(
            [inputs, attention], -1))
        self._output_attention = output_attention
        self._initial_cell_state = initial_cell_state
        self._scope: _core.VariableScope | None = None

    def _made_layers(self, sizes: Any, layers: Any) -> list[Any]:
        count = len(self._mechanisms)
        if layers is not None:
            found = list(layers) if isinstance(layers, (list, tuple)) else [layers]
        elif sizes is None:
            found = [None] * count
        else:
            listed = list(sizes) if isinstance(sizes, Sequence) else [sizes]
            found = [Dense(size, name="attention_layer", use_bias=False) for size in listed]
        if len(found) != count:
            raise ValueError("If provided, attention_layer_size must contain exactly one integer "
                             f"per attention_mechanism, saw: {len(found)} vs {count}")
        return found

    @property
    def output_size(self) -> Any:
        return self._attention_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        sizes = self._each(lambda mechanism: mechanism.alignments_size)
        return AttentionWrapperState(self._cell.state_size, self._attention_size, TensorShape([]),
                                     sizes, sizes if self._history else (), sizes)

    def _each(self, function: Callable[[Any], Any]) -> Any:
        """What a function gives for the mechanism, or for each of them."""
        found = tuple(function(mechanism) for mechanism in self._mechanisms)
        return found if self._several else found[0]

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """Returns the first state: it has not yet looked at anything."""
        with tf.name_scope("AttentionWrapperZeroState"):
            own = self._initial_cell_state
            cell_state = self._cell.zero_state(batch_size, dtype) if own is None else (
                states.mapped(lambda x: tf.identity(x, "checked_cell_state"), own))
            history = self._each(lambda _: TensorArray(dtype, 0, True)) if self._history else ()
            return AttentionWrapperState(
                cell_state, tf.zeros([batch_size, self._attention_size], dtype),
                tf.zeros([], "int32"),
                self._each(lambda one: one.initial_alignments(batch_size, dtype)), history,
                self._each(lambda one: one.initial_state(batch_size, dtype)))

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> tuple[Any, Any]:
        """Returns the output and the next state."""
        if self._scope is not None:
            with layer_scope(self._scope, self._default_name, True):
                return self.call(inputs, state)
        with layer_scope(scope or self._name, self._default_name, None) as own:
            self._scope = own
            return self.call(inputs, state)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        if not isinstance(state, AttentionWrapperState):
            raise TypeError("Expected state to be instance of AttentionWrapperState. Received type "
                            f"{type(state)} instead.")
        output, cell_state = self._cell(self._joined(inputs, state.attention), state.cell_state)
        looked = [self._look(mechanism, layer, output, before) for mechanism, layer, before in zip(
            self._mechanisms, self._layers, self._listed(state.attention_state))]
        attention = tf.concat([one[0] for one in looked], 1)
        alignments = self._formed([one[1] for one in looked])
        history: Any = ()
        if self._history:
            history = self._formed([array.write(state.time, one[1]) for array, one in zip(
                self._listed(state.alignment_history), looked)])
        new = AttentionWrapperState(cell_state, attention, state.time + 1, alignments, history,
                                    self._formed([one[2] for one in looked]))
        return (attention if self._output_attention else output), new

    def _listed(self, x: Any) -> list[Any]:
        return list(x) if self._several else [x]

    def _formed(self, items: list[Any]) -> Any:
        return tuple(items) if self._several else items[0]

    def _look(self, mechanism: Any, layer: Any, output: Any, before: Any) -> tuple[Any, Any, Any]:
        """The attention, the alignments and the mechanism's next state."""
        alignments, new = mechanism(output, state=before)
        context = _core.squeeze(_core.matmul(tf.expand_dims(alignments, 1), mechanism.values), [1])
        if layer is not None:
            context = layer(tf.concat([output, context], 1))
        return context, alignments, new


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Returns each row of tensors so many times, one after the other."""
    def tiled(x: Any) -> Any:
        x = convert_to_tensor(x)
        dims = _core.shape(x)
        wide = tf.tile(tf.expand_dims(x, 1), [1, multiplier] + [1] * (x.shape.ndims - 1))
        made = tf.reshape(wide, tf.concat([[-1], dims[1:]], 0))
        count = x.shape.as_list()[0]
        made.set_shape([None if count is None else count * multiplier, *x.shape.as_list()[1:]])
        return made

    with tf.name_scope(name, "tile_batch"):
        return states.mapped(tiled, t)
