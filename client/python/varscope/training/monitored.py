"""MonitoredSession: a session that initializes, restores, saves and stops by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from varscope import _core, errors
from varscope.session import Session
from varscope.training import hooks as hooks_lib
from varscope.training.coordinator import Coordinator
from varscope.training.scaffold import Scaffold

USE_DEFAULT = object()


class ChiefSessionCreator:
    """Makes the session of the worker that restores checkpoints."""

    def __init__(self, scaffold: Scaffold | None = None, master: str | bytes = "",
                 config: Any = None, checkpoint_dir: str | None = None,
                 checkpoint_filename_with_path: str | None = None) -> None:
        self.scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._folder = checkpoint_dir
        self._checkpoint = checkpoint_filename_with_path

    def create_session(self) -> Session:
        """Returns a session whose variables have values."""
        from varscope.saver import latest_checkpoint
        self.scaffold.finalize()
        session = Session(self._master, config=self._config)
        newest = self._checkpoint or (latest_checkpoint(self._folder) if self._folder else None)
        self.scaffold.initialize(session, newest)
        return session


class WorkerSessionCreator:
    """Makes the session of another worker: which one gives a variable its first value does not
    matter."""

    def __init__(self, scaffold: Scaffold | None = None, master: str | bytes = "",
                 config: Any = None, max_wait_secs: float | None = None) -> None:
        self.scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config

    def create_session(self) -> Session:
        """Returns a session whose variables have values."""
        self.scaffold.finalize()
        session = Session(self._master, config=self._config)
        self.scaffold.initialize(session)
        return session


class MonitoredSession:
    """A session with hooks. In a `with` block OutOfRangeError ends it without being raised."""

    def __init__(self, session_creator: Any = None,
                 hooks: Iterable[hooks_lib.SessionRunHook] | None = None,
                 stop_grace_period_secs: float = 120) -> None:
        self._hooks = hooks_lib.listed(hooks)
        self._coordinator = Coordinator()
        creator = session_creator or ChiefSessionCreator()
        for hook in self._hooks:
            hook.begin()
        self._session: Session | None = creator.create_session()
        self._graph = self._session.graph
        for hook in self._hooks:
            hook.after_create_session(self._session, self._coordinator)

    @property
    def graph(self) -> _core.Graph:
        return self._graph

    def raw_session(self) -> Session:
        """Returns the session without hooks."""
        return self._open()

    def _open(self) -> Session:
        if self._session is None:
            raise RuntimeError("Session is already closed.")
        return self._session

    def should_stop(self) -> bool:
        """Returns whether a hook, or the end of the data, asks for the end."""
        return self._session is None or self._coordinator.should_stop()

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None,
            run_metadata: Any = None) -> Any:
        """As Session.run, with the hooks around it."""
        session = self._open()
        context = hooks_lib.SessionRunContext(
            hooks_lib.SessionRunArgs(fetches, feed_dict, options), session)
        asked = [hook.before_run(context) for hook in self._hooks]
        feeds = dict(feed_dict or {})
        for more in asked:
            if more is not None and more.feed_dict:
                feeds.update(more.feed_dict)
        added = [more.fetches for more in asked if more is not None and more.fetches is not None]
        try:
            values, extra = session.run([fetches, added], feeds)
        except errors.OutOfRangeError:
            self._coordinator.request_stop()
            raise
        results = iter(extra)
        for hook, more in zip(self._hooks, asked):
            wanted = more is not None and more.fetches is not None
            hook.after_run(context,
                           hooks_lib.SessionRunValues(next(results) if wanted else None))
        if context.stop_requested:
            self._coordinator.request_stop()
        return values

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Calls the function with an object that has `session` and `request_stop`."""
        return step_fn(_StepContext(self))

    def close(self) -> None:
        """Calls the hooks' end(), and closes the session."""
        self._close(None)

    def _close(self, kind: type[BaseException] | None) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        try:
            if kind is None or issubclass(kind, (errors.OutOfRangeError, StopIteration)):
                for hook in self._hooks:
                    hook.end(session)
        finally:
            self._coordinator.request_stop()
            session.close()

    def __enter__(self) -> MonitoredSession:
        self._default = self._open().as_default()
        self._default.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self._default.__exit__()
        self._close(kind)
        return kind is not None and issubclass(kind, (errors.OutOfRangeError, StopIteration))


class _StepContext:
    """What a step function gets."""

    def __init__(self, monitored: MonitoredSession) -> None:
        self._monitored = monitored
        self.session = monitored._open()

    def request_stop(self) -> None:
        self._monitored._coordinator.request_stop()

    def run_with_hooks(self, *arguments: Any, **keywords: Any) -> Any:
        return self._monitored.run(*arguments, **keywords)


SingularMonitoredSession = MonitoredSession


def MonitoredTrainingSession(
        master: str | bytes = "", is_chief: bool = True, checkpoint_dir: str | None = None,
        scaffold: Scaffold | None = None, hooks: Iterable[hooks_lib.SessionRunHook] | None = None,
        chief_only_hooks: Iterable[hooks_lib.SessionRunHook] | None = None,
        save_checkpoint_secs: Any = USE_DEFAULT, save_summaries_steps: Any = USE_DEFAULT,
        save_summaries_secs: Any = USE_DEFAULT, config: Any = None,
        stop_grace_period_secs: float = 120, log_step_count_steps: int | None = 100,
        max_wait_secs: float = 7200, save_checkpoint_steps: Any = USE_DEFAULT,
        summary_dir: str | None = None) -> MonitoredSession:
    """Returns a session for a worker. The chief restores from, and saves to, checkpoint_dir."""
    scaffold = scaffold or Scaffold()
    every = hooks_lib.listed(hooks)
    if not is_chief:
        return MonitoredSession(WorkerSessionCreator(scaffold, master, config), every,
                                stop_grace_period_secs)
    every += hooks_lib.listed(chief_only_hooks)
    if checkpoint_dir:
        every += _saving(checkpoint_dir, scaffold, save_checkpoint_secs, save_checkpoint_steps)
        every += _summing(summary_dir or checkpoint_dir, scaffold, save_summaries_steps,
                          save_summaries_secs)
        if log_step_count_steps:
            every.append(hooks_lib.StepCounterHook(log_step_count_steps))
    return MonitoredSession(ChiefSessionCreator(scaffold, master, config, checkpoint_dir), every,
                            stop_grace_period_secs)


def _saving(folder: str, scaffold: Scaffold, secs: Any,
            steps: Any) -> list[hooks_lib.SessionRunHook]:
    secs, steps = _how_often(secs, 600, steps)
    if not secs and not steps:
        return []
    return [hooks_lib.CheckpointSaverHook(folder, secs, steps, scaffold=scaffold)]


def _summing(folder: str, scaffold: Scaffold, steps: Any,
             secs: Any) -> list[hooks_lib.SessionRunHook]:
    steps, secs = _how_often(steps, 100, secs)
    if not secs and not steps:
        return []
    return [hooks_lib.SummarySaverHook(steps, secs, folder, scaffold=scaffold)]


def _how_often(usual: Any, default: int, other: Any) -> tuple[Any, Any]:
    """The usual way to say it, whose default holds when neither is said, and the other one."""
    if usual is USE_DEFAULT:
        usual = default if other in (USE_DEFAULT, None) else None
    return usual or None, None if other is USE_DEFAULT else other or None
