"""Supervisor: TensorFlow's older session that initializes, restores and saves."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from varscope import _core, graph_data
from varscope.session import Session
from varscope.training.coordinator import Coordinator, LooperThread
from varscope.training.hooks import global_step_of_graph
from varscope.training.scaffold import Scaffold

USE_DEFAULT = 0


class Supervisor:
    """Makes sessions whose variables have values. The chief restores the newest checkpoint of
    logdir, and saves there every save_model_secs."""

    USE_DEFAULT = USE_DEFAULT

    def __init__(self, graph: _core.Graph | None = None, ready_op: Any = USE_DEFAULT,
                 ready_for_local_init_op: Any = USE_DEFAULT, is_chief: bool = True,
                 init_op: Any = USE_DEFAULT, init_feed_dict: Any = None,
                 local_init_op: Any = USE_DEFAULT, logdir: str | None = None,
                 summary_op: Any = USE_DEFAULT, saver: Any = USE_DEFAULT,
                 global_step: Any = USE_DEFAULT, save_summaries_secs: float = 120,
                 save_model_secs: float = 600, recovery_wait_secs: float = 30,
                 stop_grace_secs: float = 120, checkpoint_basename: str = "model.ckpt",
                 session_manager: Any = None, summary_writer: Any = USE_DEFAULT,
                 init_fn: Callable[[Any], None] | None = None,
                 local_init_run_options: Any = None) -> None:
        self._graph = graph or _core.get_default_graph()
        self._is_chief = is_chief
        graph_data.of(self._graph).is_chief = is_chief
        self._logdir = logdir
        self._path = os.path.join(logdir, checkpoint_basename) if logdir else None
        self._save_secs = save_model_secs if is_chief and logdir else 0
        self._stop_secs = stop_grace_secs
        self._coordinator = Coordinator()
        with self._graph.as_default():
            self._scaffold = Scaffold(
                None if init_op is USE_DEFAULT else init_op, init_feed_dict,
                None if init_fn is None else lambda _, session: init_fn(session),
                local_init_op=None if local_init_op is USE_DEFAULT else local_init_op,
                saver=None if saver is USE_DEFAULT else saver).finalize()
            self._step = _step(global_step)
        self._writer = None if summary_writer is USE_DEFAULT else summary_writer

    @property
    def coord(self) -> Coordinator:
        return self._coordinator

    @property
    def summary_op(self) -> Any:
        """What makes the summaries; None where there are none."""
        return self._scaffold.summary_op

    @property
    def saver(self) -> Any:
        return self._scaffold.saver

    @property
    def is_chief(self) -> bool:
        return self._is_chief

    @property
    def global_step(self) -> Any:
        return self._step

    @property
    def save_path(self) -> str | None:
        return self._path

    @property
    def summary_writer(self) -> Any:
        """Writes to logdir; None without one."""
        if self._writer is None and self._logdir:
            from varscope.summaries.writer import FileWriter
            self._writer = FileWriter(self._logdir, self._graph)
        return self._writer

    def prepare_or_wait_for_session(self, master: str | bytes = "", config: Any = None,
                                    wait_for_checkpoint: bool = False, max_wait_secs: float = 7200,
                                    start_standard_services: bool = True) -> Session:
        """Returns a session whose variables have values."""
        from varscope.saver import latest_checkpoint
        self._coordinator.clear_stop()
        session = Session(master, self._graph, config)
        newest = latest_checkpoint(self._logdir) if self._is_chief and self._logdir else None
        with self._graph.as_default():
            self._scaffold.initialize(session, newest)
        if start_standard_services:
            self.start_standard_services(session)
        return session

    PrepareSession = prepare_or_wait_for_session

    @contextlib.contextmanager
    def managed_session(self, master: str | bytes = "", config: Any = None,
                        start_standard_services: bool = True,
                        close_summary_writer: bool = True) -> Iterator[Session]:
        """A session for a `with` block, which is stopped at its end. An exception in the block is
        raised when all threads have stopped."""
        try:
            session = self.prepare_or_wait_for_session(
                master, config, start_standard_services=start_standard_services)
            with session.as_default():
                yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            self.stop(close_summary_writer=close_summary_writer)

    def start_standard_services(self, sess: Session) -> list[threading.Thread]:
        """Starts the thread that saves."""
        if not self._save_secs or self.saver is None:
            return []
        return [self.loop(self._save_secs, self._save, (sess,))]

    def _save(self, session: Session) -> None:
        self.saver.save(session, self._path, global_step=self._step)

    def loop(self, timer_interval_secs: float | None, target: Any, args: Any = None,
             kwargs: Any = None) -> threading.Thread:
        """Starts a thread that calls target(*args) now and then, until stop()."""
        looper = LooperThread(self._coordinator, timer_interval_secs, target, args, kwargs)
        looper.run = lambda: self._loop(timer_interval_secs, target, args or (), kwargs or {})
        looper.start()
        return looper

    Loop = loop

    def _loop(self, seconds: float | None, target: Any, args: Any, kwargs: Any) -> None:
        """Waits before the first call, too: a thread that saves has nothing to save at once."""
        with self._coordinator.stop_on_exception():
            while not self._coordinator.wait_for_stop(seconds or 0):
                target(*args, **kwargs)

    def start_queue_runners(self, sess: Session, queue_runners: Iterable[Any] | None = None
                            ) -> list[threading.Thread]:
        """Starts the threads of these runners, or of the graph's."""
        runners = queue_runners
        if runners is None:
            runners = self._graph.get_collection("queue_runners")
        return [thread for runner in runners
                for thread in runner.create_threads(sess, self._coordinator, True, True)]

    StartQueueRunners = start_queue_runners

    def summary_computed(self, sess: Session, summary: bytes,
                         global_step: int | None = None) -> None:
        """Writes a summary."""
        if global_step is None and self._step is not None:
            global_step = int(sess.run(self._step))
        self.summary_writer.add_summary(summary, global_step)

    def should_stop(self) -> bool:
        return self._coordinator.should_stop()

    ShouldStop = should_stop

    def request_stop(self, ex: Any = None) -> None:
        """Asks the threads to stop."""
        self._coordinator.request_stop(ex)

    RequestStop = request_stop

    def wait_for_stop(self) -> None:
        self._coordinator.wait_for_stop()

    def stop_on_exception(self) -> Any:
        """A block in a thread: an exception in it stops all."""
        return self._coordinator.stop_on_exception()

    def stop(self, threads: Iterable[threading.Thread] | None = None,
             close_summary_writer: bool = True,
             ignore_live_threads: bool = False) -> None:
        """Stops the threads, waits for them, and closes the writer."""
        self._coordinator.request_stop()
        try:
            self._coordinator.join(threads, self._stop_secs, ignore_live_threads)
        finally:
            if close_summary_writer and self._writer is not None:
                self._writer.close()

    Stop = stop


def _step(given: Any) -> Any:
    if given is not USE_DEFAULT:
        return given
    try:
        return global_step_of_graph()
    except RuntimeError:
        return None
