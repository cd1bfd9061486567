"""Hooks: what is done before and after each run of a monitored session."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from varscope import _core, messages
from varscope.collections_ import GraphKeys, get_collection


class SessionRunArgs(NamedTuple):
    """What a hook adds to a run."""

    fetches: Any
    feed_dict: Any = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """What a run gave for what a hook added."""

    results: Any
    options: Any = None
    run_metadata: Any = None


class SessionRunContext:
    """One run, as hooks see it."""

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self.original_args = original_args
        self.session = session
        self.stop_requested = False

    def request_stop(self) -> None:
        """Makes the monitored session's should_stop() true."""
        self.stop_requested = True


class SessionRunHook:
    """The base of hooks; what is not defined does nothing."""

    def begin(self) -> None:
        """Called before the session is made: the graph may still change."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called when the session is made."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each run; returns what to add to it."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each run."""

    def end(self, session: Any) -> None:
        """Called before the session is closed, unless an exception ends it."""


def global_step_of_graph() -> _core.Variable:
    """Returns the global step. RuntimeError when the graph has none."""
    steps = get_collection(GraphKeys.GLOBAL_STEP) or [
        variable for variable in _core.global_variables() if variable.op.name == "global_step"]
    if not steps:
        raise RuntimeError("Global step should be created to use this hook.")
    return steps[0]


class _StepHook(SessionRunHook):
    """A hook that needs the global step."""

    def begin(self) -> None:
        self._global_step = global_step_of_graph()

    def _step(self, session: Any) -> int:
        return int(session.run(self._global_step))


class StopAtStepHook(_StepHook):
    """Stops at a step, or after so many steps."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if (num_steps is None) == (last_step is None):
            raise ValueError("One of num_steps or last_step must be specified.")
        self._num_steps = num_steps
        self._last_step = last_step

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._last_step is None:
            self._last_step = self._step(session) + self._num_steps

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        # Read anew: the value of the run itself may be older than its own update.
        if self._step(run_context.session) >= self._last_step:
            run_context.request_stop()


class _Timer:
    """When something that is done now and then is due."""

    def __init__(self, every_secs: float | None, every_steps: int | None) -> None:
        if (every_secs is None) == (every_steps is None):
            raise ValueError("exactly one of the number of steps and of seconds should be provided.")
        self._secs, self._steps = every_secs, every_steps
        self._last: tuple[float, int] | None = None

    def due(self, step: int) -> bool:
        if self._last is None:
            return True
        if self._steps is not None:
            return step >= self._last[1] + self._steps
        return time.monotonic() >= self._last[0] + self._secs

    def done(self, step: int) -> tuple[float, int] | None:
        """Notes the time; returns the seconds and steps since the last one."""
        now, last = time.monotonic(), self._last
        self._last = now, step
        return None if last is None else (now - last[0], step - last[1])


class LoggingTensorHook(SessionRunHook):
    """Writes the values of tensors to tf.logging."""

    def __init__(self, tensors: Any, every_n_iter: int | None = None,
                 every_n_secs: float | None = None, at_end: bool = False,
                 formatter: Callable[[dict[str, Any]], str] | None = None) -> None:
        named = isinstance(tensors, Mapping)
        self._tensors = dict(tensors) if named else {_name_of(x): x for x in tensors}
        self._formatter = formatter
        self._at_end = at_end
        self._timer = None if at_end and every_n_iter is None and every_n_secs is None else _Timer(
            every_n_secs, every_n_iter)
        self._runs = 0
        self._show = False

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        self._show = self._timer is not None and self._timer.due(self._runs)
        return SessionRunArgs(self._tensors) if self._show else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if self._show:
            self._write(run_values.results, self._timer.done(self._runs))
        self._runs += 1

    def end(self, session: Any) -> None:
        if self._at_end:
            self._write(session.run(self._tensors), None)

    def _write(self, values: dict[str, Any], since: tuple[float, int] | None) -> None:
        if self._formatter is not None:
            messages.info("%s", self._formatter(values))
            return
        text = ", ".join(f"{name} = {values[name]}" for name in self._tensors)
        messages.info("%s%s", text, "" if since is None else f" ({since[0]:.3f} sec)")


def _name_of(x: Any) -> str:
    return x if isinstance(x, str) else x.name


class NanLossDuringTrainingError(RuntimeError):
    """The loss is not a number."""

    def __str__(self) -> str:
        return "NaN loss during training."


class NanTensorHook(SessionRunHook):
    """Stops when a tensor is not a number."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss = loss_tensor
        self._fail = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if np.isnan(run_values.results).any():
            if self._fail:
                raise NanLossDuringTrainingError
            messages.warning("Model diverged with loss = NaN.")
            run_context.request_stop()


class CheckpointSaverHook(_StepHook):
    """Saves now and then, at the beginning and at the end."""

    def __init__(self, checkpoint_dir: str, save_secs: float | None = None,
                 save_steps: int | None = None, saver: Any = None,
                 checkpoint_basename: str = "model.ckpt", scaffold: Any = None,
                 listeners: Any = None) -> None:
        self._folder = checkpoint_dir
        self._path = os.path.join(checkpoint_dir, checkpoint_basename)
        self._timer = _Timer(save_secs, save_steps)
        self._saver = saver or (scaffold.saver if scaffold is not None else None)

    def begin(self) -> None:
        super().begin()
        if self._saver is None:
            from varscope.saver import Saver
            self._saver = Saver()

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._save(session, self._step(session))

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        step = self._step(run_context.session)
        if self._timer.due(step):
            self._save(run_context.session, step)

    def end(self, session: Any) -> None:
        self._save(session, self._step(session))

    def _save(self, session: Any, step: int) -> None:
        os.makedirs(self._folder, exist_ok=True)
        self._saver.save(session, self._path, global_step=step)
        self._timer.done(step)


class SummarySaverHook(_StepHook):
    """Writes summaries now and then."""

    def __init__(self, save_steps: int | None = None, save_secs: float | None = None,
                 output_dir: str | None = None, summary_writer: Any = None, scaffold: Any = None,
                 summary_op: Any = None) -> None:
        self._timer = _Timer(save_secs, save_steps)
        self._folder = output_dir
        self._writer = summary_writer
        self._scaffold = scaffold
        self._op = summary_op
        self._show = False

    def begin(self) -> None:
        super().begin()
        from varscope.summaries import merging, writer
        if self._writer is None:
            self._writer = writer.FileWriter(self._folder)
        if self._op is None:
            self._op = getattr(self._scaffold, "summary_op", None) or merging.merge_all()
        self._runs = 0

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        self._show = self._op is not None and self._timer.due(self._runs)
        return SessionRunArgs([self._op, self._global_step]) if self._show else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if self._show:
            summary, step = run_values.results
            self._writer.add_summary(summary, int(step))
            self._timer.done(self._runs)
        self._runs += 1

    def end(self, session: Any) -> None:
        self._writer.flush()


class StepCounterHook(_StepHook):
    """Writes how many global steps a second are made to tf.logging."""

    def __init__(self, every_n_steps: int | None = 100, every_n_secs: float | None = None,
                 output_dir: str | None = None, summary_writer: Any = None) -> None:
        self._timer = _Timer(every_n_secs, every_n_steps)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        step = self._step(run_context.session)
        if self._timer.due(step):
            since = self._timer.done(step)
            if since is not None and since[0] > 0:
                messages.info("global_step/sec: %g", since[1] / since[0])


class GlobalStepWaiterHook(_StepHook):
    """Lets a worker begin when the others have come to a step."""

    def __init__(self, wait_until_step: int) -> None:
        self._until = wait_until_step

    def before_run(self, run_context: SessionRunContext) -> None:
        while self._until > 0 and self._step(run_context.session) < self._until:
            time.sleep(0.5)
        self._until = 0


class FeedFnHook(SessionRunHook):
    """Feeds what a function returns."""

    def __init__(self, feed_fn: Callable[[], Mapping[Any, Any]]) -> None:
        self._feed = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(None, self._feed())


class FinalOpsHook(SessionRunHook):
    """Runs ops at the end."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._ops, self._feeds = final_ops, final_ops_feed_dict
        self.final_ops_values: Any = None

    def end(self, session: Any) -> None:
        if self._ops is not None:
            self.final_ops_values = session.run(self._ops, self._feeds)


def listed(hooks: Iterable[SessionRunHook] | None) -> list[SessionRunHook]:
    """Returns the hooks as a list."""
    return list(hooks or [])
