"""Helpers: what a BasicDecoder's cell gets next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope import _core
from varscope.compat import v1 as tf
from varscope.control_flow import cond
from varscope.counting import reduce_all
from varscope.ops import convert_to_tensor
from varscope.rnn import states
from varscope.seq2seq.decoder import batch_first
from varscope.shapes import TensorShape


class Helper:
    """The base of helpers: a program's own define what raises here."""

    @property
    def batch_size(self) -> Any:
        raise NotImplementedError

    @property
    def sample_ids_shape(self) -> TensorShape:
        """The shape of one sequence's sample."""
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        return _core.as_dtype("int32")

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """Returns which sequences are finished, and the first inputs."""
        raise NotImplementedError

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """Returns what a step says: the most likely class."""
        return _core.cast(tf.argmax(outputs, -1), "int32")

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None,
                    name: str | None = None) -> tuple[Any, Any, Any]:
        """Returns what is finished, the next inputs and the state."""
        raise NotImplementedError


class CustomHelper(Helper):
    """A helper of three functions."""

    def __init__(self, initialize_fn: Callable[..., Any], sample_fn: Callable[..., Any],
                 next_inputs_fn: Callable[..., Any], sample_ids_shape: Any = None,
                 sample_ids_dtype: Any = None) -> None:
        self._functions = initialize_fn, sample_fn, next_inputs_fn
        self._batch_size: Any = None
        self._shape = TensorShape(sample_ids_shape or [])
        self._dtype = _core.as_dtype(sample_ids_dtype or "int32")

    @property
    def batch_size(self) -> Any:
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self) -> TensorShape:
        return self._shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        finished, inputs = self._functions[0]()
        self._batch_size = _size(convert_to_tensor(finished), 0)
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._functions[1](time=time, outputs=outputs, state=state)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None,
                    name: str | None = None) -> tuple[Any, Any, Any]:
        return self._functions[2](time=time, outputs=outputs, state=state, sample_ids=sample_ids)


class TrainingHelper(Helper):
    """The inputs of a training set, whatever the outputs were."""

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False,
                 name: str | None = None) -> None:
        self.inputs = inputs
        self.sequence_length = _core.cast(convert_to_tensor(sequence_length), "int32")
        if self.sequence_length.shape.ndims not in (None, 1):
            raise ValueError("Expected sequence_length to be a vector, but received shape: "
                             f"{self.sequence_length.shape}")
        steps = states.mapped(convert_to_tensor, inputs)
        self._steps = steps if time_major else states.mapped(batch_first, steps)
        self.zero_inputs = states.mapped(lambda x: _core.zeros_like(x[0]), self._steps)

    @property
    def batch_size(self) -> Any:
        return _size(self.sequence_length, 0)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        finished = _core.equal(self.sequence_length, 0)
        return finished, self._inputs_at(0, finished)

    def _inputs_at(self, time: Any, finished: Any) -> Any:
        """The inputs of a step; zeros where there is none."""
        return cond(reduce_all(finished), lambda: states.mapped(_core.identity, self.zero_inputs),
                    lambda: states.mapped(lambda x: tf.gather(x, time), self._steps), strict=True)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None,
                    name: str | None = None) -> tuple[Any, Any, Any]:
        finished = _core.greater_equal(time + 1, self.sequence_length)
        return finished, self._inputs_at(time + 1, finished), state


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """As TrainingHelper, but that some inputs, drawn at random, are those of the cell's own samples."""

    def __init__(self, inputs: Any, sequence_length: Any, embedding: Any,
                 sampling_probability: Any, time_major: bool = False, seed: int | None = None,
                 scheduling_seed: int | None = None, name: str | None = None) -> None:
        super().__init__(inputs, sequence_length, time_major)
        self._embed = embedded_by(embedding)
        self._probability = sampling_probability
        self._seeds = seed, scheduling_seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        drawn = tf.random_uniform([self.batch_size], seed=self._seeds[1])
        ids = sampled(outputs, self._seeds[0])
        return tf.where(_core.less(drawn, self._probability), ids, tf.fill([self.batch_size], -1))

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None,
                    name: str | None = None) -> tuple[Any, Any, Any]:
        finished, given, state = super().next_inputs(time, outputs, state)
        own = self._embed(_core.maximum(sample_ids, 0))
        drawn = _core.logical_and(_core.greater(sample_ids, -1),
                                  _core.logical_not(reduce_all(finished)))
        return finished, tf.where(drawn, own, given), state


class GreedyEmbeddingHelper(Helper):
    """The rows of a matrix that the most likely classes number, until the class `end_token`."""

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any) -> None:
        self._embed = embedded_by(embedding)
        self._start = convert_to_tensor(start_tokens)
        self._end = convert_to_tensor(end_token)
        if self._start.shape.ndims not in (None, 1):
            raise ValueError("start_tokens must be a vector")
        if self._end.shape.ndims not in (None, 0):
            raise ValueError("end_token must be a scalar")
        self._inputs = self._embed(self._start)

    @property
    def batch_size(self) -> Any:
        return _size(self._start, 0)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        return _core.zeros_like(self._start, "bool"), self._inputs

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None,
                    name: str | None = None) -> tuple[Any, Any, Any]:
        finished = _core.equal(sample_ids, _core.cast(self._end, sample_ids.dtype))
        # At the end the classes may be none that have rows.
        following = cond(reduce_all(finished), lambda: _core.identity(self._inputs),
                         lambda: self._embed(sample_ids))
        return finished, following, state


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """The same of classes that are drawn by their probabilities."""

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any,
                 softmax_temperature: Any = None, seed: int | None = None) -> None:
        super().__init__(embedding, start_tokens, end_token)
        self._temperature = softmax_temperature
        self._seed = seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        logits = outputs if self._temperature is None else outputs / self._temperature
        return sampled(logits, self._seed)


def sampled(logits: Any, seed: int | None) -> _core.Tensor:
    """Returns a class for each row of logits, drawn by their probabilities."""
    return _core.cast(_core.squeeze(tf.multinomial(logits, 1, seed), [1]), "int32")


def embedded_by(embedding: Any) -> Callable[[Any], Any]:
    """Returns the function from numbers to rows: one that is given, or that of a matrix."""
    if callable(embedding):
        return embedding
    return lambda ids: tf.nn.embedding_lookup(embedding, ids)


def _size(x: Any, axis: int) -> Any:
    known = None if x.shape.ndims is None else x.shape.as_list()[axis]
    return _core.shape(x)[axis] if known is None else known
