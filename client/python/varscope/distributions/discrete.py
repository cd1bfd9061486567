"""Distributions of classes, and of 0 and 1."""

from __future__ import annotations

from typing import Any

from varscope import _core
from varscope.compat import v1 as tf
from varscope.distributions.samples import shape_of
from varscope.compat.v1 import nn
from varscope.ops import convert_to_tensor


class Categorical:
    """Distributions of class numbers, by the last dimension of logits or of probabilities."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = "int32",
                 validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Categorical") -> None:
        if (logits is None) == (probs is None):
            raise ValueError("Must pass probs or logits, but not both.")
        self._logits = convert_to_tensor(logits) if probs is None else _core.log(
            convert_to_tensor(probs))
        self._dtype = dtype

    @property
    def logits(self) -> _core.Tensor:
        return self._logits

    @property
    def probs(self) -> _core.Tensor:
        return nn.softmax(self._logits)

    def sample(self, sample_shape: Any = (), seed: int | None = None,
               name: str = "sample") -> _core.Tensor:
        """Returns class numbers: one for each row, or so many, [sample_shape..., rows]."""
        front = [sample_shape] if isinstance(sample_shape, int) else list(sample_shape or ())
        count = 1
        for size in front:
            count *= size
        rows = tf.reshape(self._logits, [-1, self._logits.shape.as_list()[-1]])
        drawn = _core.cast(tf.multinomial(rows, count, seed=seed), self._dtype)
        dims = [-1 if n is None else n for n in self._logits.shape.as_list()[:-1]]
        return tf.reshape(_core.transpose(drawn) if front else drawn, [*front, *dims])

    def log_prob(self, value: Any, name: str = "log_prob") -> _core.Tensor:
        """Returns the logarithm of the probability of class numbers."""
        labels, logits = _core.cast(value, "int32"), self._logits
        if (labels.shape.ndims or 0) >= (logits.shape.ndims or 0):  # several samples
            logits = logits + tf.zeros(tf.concat([tf.shape(labels), [1]], 0), logits.dtype)
        return -nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    def prob(self, value: Any, name: str = "prob") -> _core.Tensor:
        """Returns the probability of class numbers."""
        return _core.exp(self.log_prob(value))

    def entropy(self, name: str = "entropy") -> _core.Tensor:
        """Returns the entropy in nats."""
        return -_core.reduce_sum(self.probs * nn.log_softmax(self._logits), -1)

    def kl_divergence(self, other: Categorical, name: str = "kl_divergence") -> _core.Tensor:
        """Returns the divergence of the other one from this one."""
        away = nn.log_softmax(self._logits) - nn.log_softmax(other._logits)
        return _core.reduce_sum(self.probs * away, -1)


class Bernoulli:
    """Distributions of 0 and 1."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = "int32",
                 validate_args: bool = False, allow_nan_stats: bool = True,
                 name: str = "Bernoulli") -> None:
        if (logits is None) == (probs is None):
            raise ValueError("Must pass probs or logits, but not both.")
        self._probs = convert_to_tensor(probs) if logits is None else _core.sigmoid(logits)
        self._logits = convert_to_tensor(logits) if probs is None else _core.log(
            self._probs / (1.0 - self._probs))
        self._dtype = dtype

    @property
    def logits(self) -> _core.Tensor:
        return self._logits

    @property
    def probs(self) -> _core.Tensor:
        return self._probs

    def mean(self) -> _core.Tensor:
        return self._probs

    def sample(self, sample_shape: Any = (), seed: int | None = None,
               name: str = "sample") -> _core.Tensor:
        """Returns 0 or 1 for each probability."""
        drawn = tf.random_uniform(shape_of(self._probs, sample_shape), seed=seed)
        return _core.cast(_core.less(drawn, self._probs), self._dtype)

    def log_prob(self, value: Any, name: str = "log_prob") -> _core.Tensor:
        """Returns the logarithm of the probability of 0 or 1."""
        labels = _core.cast(convert_to_tensor(value), self._logits.dtype)
        return -nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=self._logits)

    def prob(self, value: Any, name: str = "prob") -> _core.Tensor:
        """Returns the probability of 0 or 1."""
        return _core.exp(self.log_prob(value))

    def entropy(self, name: str = "entropy") -> _core.Tensor:
        """Returns the entropy in nats."""
        return nn.sigmoid_cross_entropy_with_logits(labels=self._probs, logits=self._logits)
