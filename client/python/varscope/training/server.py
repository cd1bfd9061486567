"""tf.train.Server: a task of a cluster. One task of each cluster is a varscoped."""

from __future__ import annotations

import os
import threading
from typing import Any

from varscope.private_server import PrivateServer
from varscope.training.cluster import ClusterSpec


class Server:
    """A task. The first one of the job 'ps', without that of the first job, starts a varscoped on its
    address, unless VARSCOPE_TARGET names one that runs; sessions on any task's target use that.

    UnavailableError when it does not start.
    """

    def __init__(self, server_or_cluster_def: Any, job_name: str | None = None,
                 task_index: int | None = None, protocol: str | None = None, config: Any = None,
                 start: bool = True) -> None:
        self._cluster = ClusterSpec(server_or_cluster_def)
        self._job, self._task = _place(self._cluster, job_name, task_index)
        self._address = self._cluster.task_address(self._job, self._task)
        self._process: PrivateServer | None = None
        if start:
            self.start()

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> Server:
        """Returns the only task of a cluster, on this machine."""
        return _LocalServer(start)

    def start(self) -> None:
        """Starts the varscoped, where this task has it."""
        if os.environ.get("VARSCOPE_TARGET") or self._process is not None:
            return
        if self._address == self._cluster.store_host():
            self._process = PrivateServer(_listening(self._address))

    def join(self) -> None:
        """Waits until the varscoped has ended; of a task without one, for ever."""
        if self._process is not None:
            self._process.wait()
        else:
            threading.Event().wait()

    @property
    def target(self) -> str:
        """What tf.Session takes."""
        return "grpc://" + self._address

    @property
    def server_def(self) -> Any:
        return self._cluster.as_dict()


class _LocalServer(Server):
    """A task without an address that others know."""

    def __init__(self, start: bool) -> None:
        self._process = None
        if start:
            self.start()

    def start(self) -> None:
        """Starts the varscoped."""
        if self._process is None and not os.environ.get("VARSCOPE_TARGET"):
            self._process = PrivateServer()

    @property
    def target(self) -> str:
        """What tf.Session takes."""
        return os.environ.get("VARSCOPE_TARGET") or self._process.target


def _place(cluster: ClusterSpec, job: str | None, task: int | None) -> tuple[str, int]:
    """The task that is meant, where the cluster leaves no choice. ValueError where it does."""
    if job is None:
        if len(cluster.jobs) != 1:
            raise ValueError("Must specify an explicit `job_name`.")
        job = cluster.jobs[0]
    if task is None:
        if cluster.num_tasks(job) != 1:
            raise ValueError("Must specify an explicit `task_index`.")
        task = cluster.task_indices(job)[0]
    return job, task


def _listening(address: str) -> str:
    """The address that a server listens on: of this machine by its number, else of all."""
    host, _, port = address.rpartition(":")
    return f"{'127.0.0.1' if host in ('localhost', '127.0.0.1') else '0.0.0.0'}:{port}"
