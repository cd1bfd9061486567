"""tf.estimator.Estimator: trains, evaluates and asks a model, in a graph of its own each time. What it
has learned is in the checkpoints of its folder."""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from varscope import _core, messages
from varscope.collections_ import GraphKeys, add_to_collection, get_collection
from varscope.data.dataset import Dataset
from varscope.estimators.config import RunConfig
from varscope.estimators.specs import EstimatorSpec, ModeKeys
from varscope.ops import group
from varscope.saver import Saver, latest_checkpoint
from varscope.scopes import refuse
from varscope.seeds import set_random_seed
from varscope.summaries import ops as summary
from varscope.summaries.messages import Summary
from varscope.summaries.writer import FileWriter
from varscope.training import hooks as hooks_lib
from varscope.training.monitored import (ChiefSessionCreator, MonitoredSession,
                                         MonitoredTrainingSession)
from varscope.training.scaffold import Scaffold


class Estimator:
    """A model: `model_fn(features, labels, mode, params, config)` returns an EstimatorSpec; it may
    leave out labels, mode, params or config."""

    def __init__(self, model_fn: Callable[..., EstimatorSpec], model_dir: str | None = None,
                 config: RunConfig | None = None, params: Any = None,
                 warm_start_from: Any = None) -> None:
        refuse("Estimator", warm_start_from=warm_start_from)
        config = config or RunConfig()
        if model_dir and config.model_dir and model_dir != config.model_dir:
            raise ValueError("`model_dir` are set both in constructor and `RunConfig`, but with "
                             f"different values: {model_dir}, {config.model_dir}")
        folder = model_dir or config.model_dir
        if folder is None:
            folder = tempfile.mkdtemp()
            messages.warning("Using temporary folder as model directory: %s", folder)
        self._config = config.replace(model_dir=os.fspath(folder))
        self._params = {} if params is None else params
        self._model_fn = model_fn

    @property
    def model_dir(self) -> str:
        """The folder of its checkpoints."""
        return self._config.model_dir or ""

    @property
    def config(self) -> RunConfig:
        return self._config

    @property
    def params(self) -> Any:
        return self._params.copy() if isinstance(self._params, dict) else self._params

    @property
    def model_fn(self) -> Callable[..., EstimatorSpec]:
        return self._model_fn

    def latest_checkpoint(self) -> str | None:
        """Returns the newest checkpoint; None before it was trained."""
        return latest_checkpoint(self.model_dir)

    def get_variable_names(self) -> list[str]:
        """Returns the names of the variables in the newest checkpoint."""
        from varscope.training.checkpoint_reader import list_variables
        return [name for name, _ in list_variables(self.model_dir)]

    def get_variable_value(self, name: str) -> np.ndarray:
        """Returns a variable's value in the newest checkpoint."""
        from varscope.training.checkpoint_reader import load_variable
        return load_variable(self.model_dir, name)

    def train(self, input_fn: Callable[..., Any],
              hooks: Iterable[hooks_lib.SessionRunHook] | None = None, steps: int | None = None,
              max_steps: int | None = None, saving_listeners: Any = None) -> Estimator:
        """Trains for so many steps, or up to a global step, or until the data ends."""
        refuse("Estimator.train", saving_listeners=saving_listeners)
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        for name, count in (("steps", steps), ("max_steps", max_steps)):
            if count is not None and count <= 0:
                raise ValueError(f"Must specify {name} > 0, given: {count}")
        if max_steps is not None and self._trained_steps() >= max_steps:
            messages.info("Skipping training since max_steps has already saved.")
            return self
        every = list(hooks or [])
        if steps is not None or max_steps is not None:
            every.append(hooks_lib.StopAtStepHook(steps, max_steps))
        with self._new_graph():
            spec = self._built(input_fn, ModeKeys.TRAIN)
            loss = self._train(spec, every)
        messages.info("Loss for final step: %s.", loss)
        return self

    def _trained_steps(self) -> int:
        checkpoint = self.latest_checkpoint()
        if checkpoint is None:
            return 0
        from varscope.training.checkpoint_reader import load_variable
        return int(load_variable(checkpoint, "global_step"))

    def _new_graph(self) -> Any:
        return _core.Graph().as_default()

    def _built(self, input_fn: Callable[..., Any], mode: str) -> EstimatorSpec:
        """The model in the default graph, which is new."""
        if self._config.tf_random_seed is not None:
            set_random_seed(self._config.tf_random_seed)
        _core.get_or_create_global_step()
        features, labels = _inputs(self._called(input_fn, mode=mode))
        takes = inspect.signature(self._model_fn).parameters
        if "labels" not in takes and labels is not None:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        messages.info("Calling model_fn.")
        own = {"labels": labels} if "labels" in takes else {}
        spec = self._called(self._model_fn, features, **own, mode=mode)
        messages.info("Done calling model_fn.")
        if not isinstance(spec, EstimatorSpec):
            raise ValueError("model_fn should return an EstimatorSpec.")
        return spec

    def _called(self, function: Callable[..., Any], *arguments: Any, **given: Any) -> Any:
        """What a function returns that is given those of the keywords, and of the estimator's, that
        it names."""
        given = {"params": self.params, "config": self._config, **given}
        takes = inspect.signature(function).parameters
        return function(*arguments, **{name: x for name, x in given.items() if name in takes})

    def _train(self, spec: EstimatorSpec, hooks: list[Any]) -> Any:
        """Runs the steps; returns the last loss."""
        config, step = self._config, hooks_lib.global_step_of_graph()
        add_to_collection(GraphKeys.LOSSES, spec.loss)
        if not any(x.op.name.endswith("loss") for x in get_collection(GraphKeys.SUMMARIES)):
            summary.scalar("loss", spec.loss)
        scaffold = spec.scaffold or Scaffold()
        if scaffold.saver is None:
            scaffold.saver = Saver(max_to_keep=config.keep_checkpoint_max)
        every = [*hooks, hooks_lib.NanTensorHook(spec.loss), *spec.training_hooks]
        if config.log_step_count_steps:
            every.append(hooks_lib.LoggingTensorHook({"loss": spec.loss, "step": step},
                                                     config.log_step_count_steps))
        loss = None
        with MonitoredTrainingSession(
                checkpoint_dir=self.model_dir, scaffold=scaffold, hooks=every,
                chief_only_hooks=spec.training_chief_hooks,
                save_checkpoint_secs=config.save_checkpoints_secs,
                save_checkpoint_steps=config.save_checkpoints_steps,
                save_summaries_steps=config.save_summary_steps, config=config.session_config,
                log_step_count_steps=config.log_step_count_steps) as session:
            while not session.should_stop():
                _, loss = session.run([spec.train_op, spec.loss])
        return loss

    def evaluate(self, input_fn: Callable[..., Any], steps: int | None = None,
                 hooks: Iterable[hooks_lib.SessionRunHook] | None = None,
                 checkpoint_path: str | None = None, name: str | None = None) -> dict[str, Any]:
        """Returns the metrics, the mean loss and the global step, over so many batches or all."""
        checkpoint = checkpoint_path or self.latest_checkpoint()
        if checkpoint is None:
            messages.info("Could not find trained model in model_dir: %s, running initialization "
                          "to evaluate.", self.model_dir)
        with self._new_graph():
            spec = self._built(input_fn, ModeKeys.EVAL)
            metrics = _metrics(spec)
            update = group(*[x for _, x in metrics.values()])
            wanted = {key: value for key, (value, _) in metrics.items()}
            wanted["global_step"] = hooks_lib.global_step_of_graph()
            final = hooks_lib.FinalOpsHook(wanted)
            every = [*(hooks or []), *spec.evaluation_hooks, final]
            if steps is not None:
                every.append(_StopAfterRuns(steps))
            messages.info("Starting evaluation")
            with MonitoredSession(self._creator(spec, checkpoint), every) as session:
                while not session.should_stop():
                    session.run(update)
        found = final.final_ops_values
        messages.info("Saving dict for global step %d: %s", found["global_step"], ", ".join(
            f"{key} = {value}" for key, value in sorted(found.items())))
        self._write(found, name)
        return found

    def _creator(self, spec: EstimatorSpec, checkpoint: str | None) -> ChiefSessionCreator:
        return ChiefSessionCreator(spec.scaffold, config=self._config.session_config,
                                   checkpoint_filename_with_path=checkpoint)

    def _write(self, found: dict[str, Any], name: str | None) -> None:
        """Writes the metrics' summaries."""
        folder = os.path.join(self.model_dir, "eval" if name is None else f"eval_{name}")
        message = Summary()
        for key, value in found.items():
            if key != "global_step" and np.ndim(value) == 0:
                message.value.add(tag=key, simple_value=float(value))
        with FileWriter(folder) as writer:
            writer.add_summary(message, int(found["global_step"]))

    def export_savedmodel(self, export_dir_base: str | os.PathLike[str],
                          serving_input_receiver_fn: Callable[[], Any],
                          assets_extra: Any = None, as_text: bool = False,
                          checkpoint_path: str | None = None,
                          strip_default_attrs: bool = False) -> bytes:
        """Writes what it predicts with as a SavedModel, into a new folder; returns its path."""
        refuse("Estimator.export_savedmodel", as_text=as_text or None)
        from varscope.estimators.exporting import export
        return export(self, export_dir_base, serving_input_receiver_fn, checkpoint_path,
                      assets_extra)

    export_saved_model = export_savedmodel

    def predict(self, input_fn: Callable[..., Any], predict_keys: Any = None,
                hooks: Iterable[hooks_lib.SessionRunHook] | None = None,
                checkpoint_path: str | None = None,
                yield_single_examples: bool = True) -> Iterator[Any]:
        """Gives the predictions for each example; those that have these keys, where there are any.
        Without `yield_single_examples` a batch at once."""
        checkpoint = checkpoint_path or self.latest_checkpoint()
        if checkpoint is None:
            messages.info("Could not find trained model in model_dir: %s, running initialization "
                          "to predict.", self.model_dir)
        graph = _core.Graph()
        with graph.as_default():
            spec = self._built(input_fn, ModeKeys.PREDICT)
            wanted = _chosen(spec.predictions, predict_keys)
            session = MonitoredSession(self._creator(spec, checkpoint),
                                       [*(hooks or []), *spec.prediction_hooks])
        with session:
            while not session.should_stop():
                batch = session.run(wanted)
                yield from _examples(batch) if yield_single_examples else [batch]


def _inputs(given: Any) -> tuple[Any, Any]:
    """The features and labels that an input function has returned."""
    if isinstance(given, Dataset):
        iterator = given.make_initializable_iterator()
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
        given = iterator.get_next()
    if isinstance(given, (list, tuple)):
        if len(given) != 2:
            raise ValueError("input_fn should return (features, labels) as a len 2 tuple.")
        return given[0], given[1]
    return given, None


def _metrics(spec: EstimatorSpec) -> dict[str, tuple[Any, Any]]:
    """All metrics, of which "loss" is one, as values and what updates them."""
    from varscope.metrics import mean
    metrics = dict(spec.eval_metric_ops)
    metrics.setdefault("loss", mean(spec.loss))
    return metrics


class _StopAfterRuns(hooks_lib.SessionRunHook):
    """Stops after so many runs."""

    def __init__(self, count: int) -> None:
        self._left = count

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._left -= 1
        if self._left <= 0:
            run_context.request_stop()


def _chosen(predictions: Any, keys: Any) -> Any:
    if keys is None:
        return predictions
    if not isinstance(predictions, dict):
        raise ValueError("predict_keys argument is not valid in case of non-dict predictions.")
    chosen = {key: value for key, value in predictions.items() if key in keys}
    if not chosen:
        raise ValueError(f"Expected to run at least one output from {list(predictions)}, provided "
                         f"{keys}.")
    return chosen


def _examples(batch: Any) -> Iterator[Any]:
    if not isinstance(batch, dict):
        yield from batch
        return
    lengths = {len(values) for values in batch.values()}
    if len(lengths) > 1:
        raise ValueError("Batch length of predictions should be same.")
    for number in range(lengths.pop()):
        yield {key: values[number] for key, values in batch.items()}


def train_and_evaluate(estimator: Estimator, train_spec: Any, eval_spec: Any) -> tuple[Any, Any]:
    """Trains up to the global step of train_spec, evaluates then, and lets the exporters export;
    returns the metrics, and what the exporters return."""
    estimator.train(train_spec.input_fn, train_spec.hooks, max_steps=train_spec.max_steps)
    found = estimator.evaluate(eval_spec.input_fn, eval_spec.steps, eval_spec.hooks,
                               name=eval_spec.name)
    given = eval_spec.exporters or ()
    exported = [exporter.export(
        estimator, os.path.join(estimator.model_dir, "export", exporter.name),
        estimator.latest_checkpoint(), found, True)
                for exporter in (given if isinstance(given, (list, tuple)) else [given])]
    return found, exported or None
