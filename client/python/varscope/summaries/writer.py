"""FileWriter: writes event files, which TensorBoard reads."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from typing import Any

from varscope import _core
from varscope.summaries.graph_def import GraphDef
from varscope.summaries.messages import Event
from varscope.summaries.records import RecordWriter

_numbers = itertools.count()


class FileWriter:
    """Writes the events of one run of a program into a folder. Threads may use it at the same time.
    A context manager, which closes it."""

    def __init__(self, logdir: str | os.PathLike[str], graph: _core.Graph | None = None,
                 max_queue: int = 10, flush_secs: float = 120, graph_def: Any = None,
                 filename_suffix: str | None = None, session: Any = None) -> None:
        self._folder = os.fspath(logdir)
        self._suffix = filename_suffix or ""
        self._flush_secs = flush_secs
        self._lock = threading.Lock()
        self._records: RecordWriter | None = None
        self._open()
        if graph is not None or graph_def is not None:
            self.add_graph(graph if graph is not None else graph_def)

    def _open(self) -> RecordWriter:
        if self._records is None:
            os.makedirs(self._folder, exist_ok=True)
            now = time.time()
            name = (f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}"
                    f".{os.getpid()}.{next(_numbers)}{self._suffix}")
            self._records = RecordWriter(os.path.join(self._folder, name))
            self._records.write(
                Event(now, file_version="brain.Event:2").SerializeToString())
            self._records.flush()
            self._flushed = time.monotonic()
        return self._records

    def get_logdir(self) -> str:
        return self._folder

    def add_event(self, event: Any) -> None:
        """Writes an event; after close() into a new file."""
        with self._lock:
            records = self._open()
            records.write(event.SerializeToString())
            if time.monotonic() - self._flushed > self._flush_secs:
                records.flush()
                self._flushed = time.monotonic()

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Writes a summary: what a run returned for one, or a tf.Summary."""
        self.add_event(Event(step=0 if global_step is None else int(global_step),
                             summary=summary))

    def add_graph(self, graph: Any, global_step: int | None = None, graph_def: Any = None) -> None:
        """Writes a graph, with the scopes of its ops."""
        shown = graph_def if graph is None else graph
        if isinstance(shown, _core.Graph):
            shown = GraphDef(shown)
        self.add_event(Event(step=global_step or 0, graph_def=shown.SerializeToString()))

    def add_meta_graph(self, meta_graph_def: Any, global_step: int | None = None) -> None:
        """Writes a meta graph."""
        self.add_event(Event(step=global_step or 0,
                             meta_graph_def=meta_graph_def.SerializeToString()))

    def add_run_metadata(self, run_metadata: Any, tag: str,
                         global_step: int | None = None) -> None:
        """Does nothing: a run says nothing about itself."""

    def add_session_log(self, session_log: Any, global_step: int | None = None) -> None:
        """Does nothing: TensorBoard shows no session logs."""

    def flush(self) -> None:
        """Has the operating system write what was added."""
        with self._lock:
            if self._records is not None:
                self._records.flush()

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._records is not None:
                self._records.close()
                self._records = None

    def reopen(self) -> None:
        """Opens a new file after close()."""
        with self._lock:
            self._open()

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
