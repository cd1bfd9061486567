"""tf.contrib.tpu where there is no TPU: what BERT and its like do with use_tpu=False."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope.estimators import config as config_lib
from varscope.estimators.estimator import Estimator
from varscope.estimators.specs import EstimatorSpec, ModeKeys
from varscope.training.scaffold import Scaffold


class InputPipelineConfig:
    """How TPUs are fed."""

    PER_SHARD_V1, PER_HOST_V1, PER_HOST_V2, BROADCAST = 1, 2, 3, 4


class TPUConfig:
    """Numbers of TPUs: nothing is made of them."""

    def __init__(self, iterations_per_loop: int = 2, num_shards: int | None = None,
                 num_cores_per_replica: int | None = None,
                 per_host_input_for_training: Any = True, **_: Any) -> None:
        self.iterations_per_loop, self.num_shards = iterations_per_loop, num_shards


class RunConfig(config_lib.RunConfig):
    """tf.estimator.RunConfig, which may be told of TPUs. NotImplementedError for a cluster of them."""

    def __init__(self, tpu_config: TPUConfig | None = None, evaluation_master: str | None = None,
                 master: str | None = None, cluster: None = None, **kwargs: Any) -> None:
        if cluster is not None:
            raise NotImplementedError("contrib.tpu.RunConfig: varscope has no 'cluster' of TPUs; "
                                      "run the script with use_tpu=False")
        super().__init__(**kwargs)
        self.tpu_config = tpu_config or TPUConfig()


def TPUEstimatorSpec(mode: str, predictions: Any = None, loss: Any = None, train_op: Any = None,
                     eval_metrics: Any = None, export_outputs: Any = None,
                     scaffold_fn: Callable[[], Scaffold] | None = None, host_call: Any = None,
                     training_hooks: Any = None, evaluation_hooks: Any = None,
                     prediction_hooks: Any = None) -> EstimatorSpec:
    """Returns an EstimatorSpec: `eval_metrics` are a function, and the tensors that it takes."""
    metrics = None
    if eval_metrics is not None and mode == ModeKeys.EVAL:
        function, given = eval_metrics
        metrics = function(**given) if isinstance(given, dict) else function(*given)
    return EstimatorSpec(mode, predictions, loss, train_op, metrics, export_outputs,
                         training_hooks=training_hooks, evaluation_hooks=evaluation_hooks,
                         prediction_hooks=prediction_hooks,
                         scaffold=None if scaffold_fn is None else scaffold_fn())


class TPUEstimator(Estimator):
    """An Estimator whose functions find the batch's size in params["batch_size"]."""

    def __init__(self, model_fn: Callable[..., Any], model_dir: str | None = None,
                 config: config_lib.RunConfig | None = None,
                 params: dict[str, Any] | None = None, use_tpu: bool = True,
                 train_batch_size: int | None = None, eval_batch_size: int | None = None,
                 predict_batch_size: int | None = None, **_: Any) -> None:
        if use_tpu:
            raise NotImplementedError("TPUEstimator: varscope has no TPUs; say use_tpu=False")
        super().__init__(model_fn, model_dir, config, dict(params or {}))
        self._sizes = {ModeKeys.TRAIN: train_batch_size, ModeKeys.EVAL: eval_batch_size,
                       ModeKeys.PREDICT: predict_batch_size}

    def _built(self, input_fn: Callable[..., Any], mode: str) -> EstimatorSpec:
        self._params = {**self._params, "batch_size": self._sizes[mode]}
        return super()._built(input_fn, mode)


def CrossShardOptimizer(opt: Any, reduction: Any = None, name: str | None = None) -> Any:
    """Returns the optimizer: there is one shard."""
    return opt
