"""A server process of one program, which ends with it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import tempfile
import weakref

from varscope import errors
from varscope.programs import path_of

# Ends the server when standard input has a line, or ends: when the program says so, or is gone, however.
# Signals of the program's terminal do not reach it.
_WATCH = """
"$1" --listen "$3" --ready-fd 1 --log-level warning --grace-seconds 0 &
server=$!
exec >/dev/null
read -r _
kill "$server" 2>/dev/null
wait "$server"
rm -rf -- "$2"
"""
_START_SECONDS = 60
_running: weakref.WeakSet[PrivateServer] = weakref.WeakSet()


class PrivateServer:
    """varscoped, in memory, on a socket that only this user can reach, or on an address.

    Raises UnavailableError when it does not start. It stops when this object is freed, and when the
    program ends.
    """

    def __init__(self, address: str | None = None) -> None:
        self._owner = os.getpid()
        self._folder = tempfile.mkdtemp(prefix="varscope-")
        self.target = address or f"unix:{self._folder}/socket"
        # Settings of the environment are for the servers that the user starts.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("VARSCOPE_")}
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH, "varscope", path_of("varscoped"), self._folder,
                 self.target],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
                env=environment, cwd="/")
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise errors.UnavailableError(None, None, f"no private server: {error}") from error
        _running.add(self)
        self._await()

    def _await(self) -> None:
        with self._process.stdout as ready:
            readable, _, _ = select.select([ready], [], [], _START_SECONDS)
            if readable and os.read(ready.fileno(), 32).endswith(b"\n"):
                return
        self.stop()
        raise errors.UnavailableError(
            None, None, "the private server did not start; what it says is above")

    def wait(self) -> None:
        """Waits until the server has ended."""
        self._process.wait()

    def stop(self) -> None:
        """Ends the server, and waits until it is gone."""
        with contextlib.suppress(BrokenPipeError), self._process.stdin as says:
            # Others may have its end of the pipe, too: processes that were forked without Python's
            # knowledge.
            says.write(b"\n")
        self._process.wait()

    def __del__(self) -> None:
        process = getattr(self, "_process", None)
        # In a forked child the server is the parent's.
        if process is not None and process.returncode is None and self._owner == os.getpid():
            self.stop()


def _leave_to_parent() -> None:
    """In a forked child: the servers end when the parent does, not the last of its children."""
    for server in list(_running):
        server._process.stdin.close()
    _running.clear()


os.register_at_fork(after_in_child=_leave_to_parent)
