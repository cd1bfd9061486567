"""Coordinator: the end of several threads."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from varscope import errors


class Coordinator:
    """Tells threads when to stop, and waits for them."""

    def __init__(self, clean_stop_exception_types: tuple[type, ...] | None = None) -> None:
        self._clean = clean_stop_exception_types or (errors.OutOfRangeError,)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop; join() raises `ex`."""
        if isinstance(ex, tuple):
            ex = ex[1]
        if ex is not None and not isinstance(ex, self._clean) and self._error is None:
            self._error = ex
        self._stop.set()

    def clear_stop(self) -> None:
        """Forgets that threads were asked to stop."""
        self._stop.clear()
        self._error = None

    def should_stop(self) -> bool:
        return self._stop.is_set()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is asked for; returns whether one was."""
        return self._stop.wait(timeout)

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """A block in a thread: an exception in it asks for a stop, and join() raises it."""
        try:
            yield
        except Exception:
            self.request_stop(sys.exc_info())

    def register_thread(self, thread: threading.Thread) -> None:
        """Has join() wait for this thread, too."""
        self._threads.append(thread)

    def raise_requested_exception(self) -> None:
        if self._error is not None:
            raise self._error

    @property
    def joined(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def join(self, threads: Iterable[threading.Thread] | None = None,
             stop_grace_period_secs: float = 120,
             ignore_live_threads: bool = False) -> None:
        """Waits until all threads have ended: without a limit until a stop is asked for.

        Raises what the stop was asked for with; RuntimeError for threads that live on.
        """
        waiting = [*self._threads, *(threads or [])]
        while any(thread.is_alive() for thread in waiting) and not self._stop.wait(0.05):
            pass
        end = time.monotonic() + stop_grace_period_secs
        for thread in waiting:
            thread.join(max(0.0, end - time.monotonic()))
        self.raise_requested_exception()
        alive = [thread.name for thread in waiting if thread.is_alive()]
        if alive and not ignore_live_threads:
            raise RuntimeError("Coordinator stopped with threads still running: " +
                               " ".join(alive))


class LooperThread(threading.Thread):
    """A thread that calls a function again and again until the coordinator asks to stop."""

    def __init__(self, coord: Coordinator, timer_interval_secs: float | None, target: Any = None,
                 args: Any = None, kwargs: Any = None) -> None:
        super().__init__(daemon=True)
        self._coord = coord
        self._seconds = timer_interval_secs
        self._call = target, args or (), kwargs or {}
        coord.register_thread(self)

    @staticmethod
    def loop(coord: Coordinator, timer_interval_secs: float | None, target: Any,
             args: Any = None, kwargs: Any = None) -> LooperThread:
        """Starts a thread that calls target(*args)."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        target, args, kwargs = self._call
        with self._coord.stop_on_exception():
            while not self._coord.wait_for_stop(self._seconds or 0):
                target(*args, **kwargs)
