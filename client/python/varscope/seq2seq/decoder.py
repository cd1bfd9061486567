"""Decoders, and what runs them until all sequences of a batch are finished."""

from __future__ import annotations

from typing import Any, NamedTuple

from varscope import _core
from varscope.compat import v1 as tf
from varscope.control_flow import flatten, pack_like, while_loop
from varscope.counting import reduce_all
from varscope.layers.nested import nest
from varscope.ops import convert_to_tensor
from varscope.rnn import states
from varscope.scopes import variable_scope
from varscope.shapes import TensorShape
from varscope.tensor_arrays import TensorArray


class Decoder:
    """The base of decoders: a program's own define what raises here."""

    @property
    def batch_size(self) -> Any:
        raise NotImplementedError

    @property
    def output_size(self) -> Any:
        raise NotImplementedError

    @property
    def output_dtype(self) -> Any:
        raise NotImplementedError

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """Returns which sequences are finished, the first inputs and the first state."""
        raise NotImplementedError

    def step(self, time: Any, inputs: Any, state: Any,
             name: str | None = None) -> tuple[Any, Any, Any, Any]:
        """Returns the outputs, the next state, the next inputs and what is finished."""
        raise NotImplementedError

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """Returns what dynamic_decode is to return."""
        raise NotImplementedError

    @property
    def tracks_own_finished(self) -> bool:
        """Whether what step() calls finished holds, also where it was finished before."""
        return False


class BasicDecoderOutput(NamedTuple):
    """One step of a BasicDecoder."""

    rnn_output: Any
    sample_id: Any


class BasicDecoder(Decoder):
    """A cell, whose next inputs a helper makes of its outputs."""

    def __init__(self, cell: Any, helper: Any, initial_state: Any,
                 output_layer: Any = None) -> None:
        self._cell = cell
        self._helper = helper
        self._initial_state = initial_state
        self._output_layer = output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    @property
    def output_size(self) -> BasicDecoderOutput:
        size = self._cell.output_size
        if self._output_layer is not None:
            size = self._output_layer.units
        return BasicDecoderOutput(TensorShape([size]), self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> BasicDecoderOutput:
        return BasicDecoderOutput(flatten(self._initial_state)[0].dtype,
                                  self._helper.sample_ids_dtype)

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time: Any, inputs: Any, state: Any,
             name: str | None = None) -> tuple[Any, Any, Any, Any]:
        with tf.name_scope(name, "BasicDecoderStep"):
            outputs, state = self._cell(inputs, state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            ids = self._helper.sample(time=time, outputs=outputs, state=state)
            finished, following, state = self._helper.next_inputs(
                time=time, outputs=outputs, state=state, sample_ids=ids)
            return BasicDecoderOutput(outputs, ids), state, following, finished


def dynamic_decode(decoder: Decoder, output_time_major: bool = False,
                   impute_finished: bool = False, maximum_iterations: Any = None,
                   parallel_iterations: int = 32, swap_memory: bool = False,
                   scope: Any = None) -> tuple[Any, Any, Any]:
    """Returns the outputs of all steps, the last state, and the sequences' lengths.

    With `impute_finished` finished sequences' outputs are zeros, and their states stay.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with variable_scope(scope, "decoder"):
        finished, inputs, state = decoder.initialize()
        zeros = _zeros(decoder)
        finished = convert_to_tensor(finished)
        if maximum_iterations is not None:
            maximum_iterations = _core.cast(maximum_iterations, "int32")
            finished = _core.logical_or(finished, _core.less_equal(maximum_iterations, 0))
        arrays = nest.map_structure(lambda zero: TensorArray(
            zero.dtype, 0, True, element_shape=zero.shape), zeros)

        def body(time: Any, arrays: Any, state: Any, inputs: Any, finished: Any,
                 lengths: Any) -> Any:
            made, new, following, ended = decoder.step(time, inputs, state)
            if not decoder.tracks_own_finished:
                ended = _core.logical_or(ended, finished)
            lengths = tf.where(finished, lengths, tf.fill(_core.shape(lengths), time + 1))
            if impute_finished:
                made = states.mapped(lambda zero, x: tf.where(finished, zero, x), zeros, made)
                new = _kept(finished, state, new)
            arrays = _written(arrays, time, made)
            return time + 1, arrays, new, following, ended, lengths

        _, arrays, state, _, _, lengths = while_loop(
            lambda time, arrays, state, inputs, finished, lengths: _core.logical_not(
                reduce_all(finished)), body,
            (0, arrays, state, inputs, finished, _core.zeros_like(finished, "int32")),
            maximum_iterations=maximum_iterations)
        outputs = states.mapped(lambda array: array.stack(), arrays)
        try:
            outputs, state = decoder.finalize(outputs, state, lengths)
        except NotImplementedError:
            pass
        if not output_time_major:
            outputs = states.mapped(batch_first, outputs)
        return outputs, state, lengths


def _zeros(decoder: Decoder) -> Any:
    """Outputs of zeros."""
    sizes, dtypes = flatten_sizes(decoder.output_size), states.leaves(decoder.output_dtype)
    made = [tf.zeros([decoder.batch_size, *size], dtype) for size, dtype in zip(sizes, dtypes)]
    return pack_like(decoder.output_dtype, made)


def flatten_sizes(sizes: Any) -> list[list[int]]:
    """Returns the dimensions of each output, without the batch's."""
    if isinstance(sizes, TensorShape):
        return [sizes.as_list()]
    if isinstance(sizes, (list, tuple)):
        return [size for part in sizes for size in flatten_sizes(part)]
    return [[int(sizes)]]


def _written(arrays: Any, time: Any, made: Any) -> Any:
    return states.mapped(lambda array, x: array.write(time, x), arrays, made)


def _kept(finished: Any, old: Any, new: Any) -> Any:
    """The old state of finished sequences; arrays and numbers are the new ones."""

    def one(before: Any, after: Any) -> Any:
        if isinstance(before, TensorArray) or before.shape.ndims == 0:
            return after
        after.set_shape(before.shape)
        return tf.where(finished, before, after)

    return states.mapped(one, old, new)


def batch_first(x: Any) -> Any:
    """Changes the places of the first two dimensions, where there are two."""
    if x.shape.ndims is None or x.shape.ndims < 2:
        return x
    return _core.transpose(x, [1, 0, *range(2, x.shape.ndims)])
