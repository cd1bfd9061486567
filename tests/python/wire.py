"""What goes over the wire between a worker and a server: how often one waits for the other."""

import collections
import contextlib
import socket
import threading

_PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
_HEADER = 9
_DATA = 0


class _Frames:
    """HTTP/2 frames in bytes that come in pieces."""

    def __init__(self, skip):
        self._left = skip
        self._buffer = b""

    def streams_with_data(self, piece):
        """The streams of the DATA frames that begin in the piece."""
        found = []
        while piece:
            if self._left:
                skipped = min(self._left, len(piece))
                self._left -= skipped
                piece = piece[skipped:]
                continue
            wanted = _HEADER - len(self._buffer)
            self._buffer += piece[:wanted]
            piece = piece[wanted:]
            if len(self._buffer) == _HEADER:
                self._left = int.from_bytes(self._buffer[:3], "big")
                if self._buffer[3] == _DATA and self._left:
                    found.append(int.from_bytes(self._buffer[5:], "big"))
                self._buffer = b""
        return found


class Wire:
    """A relay to a server that counts round trips: on one HTTP/2 stream the worker sends data, then
    the server does.
    """

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._asked = set()
        self._answers = collections.Counter()
        self.bytes_to_server = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def round_trips(self):
        """On the stream with the most, which is that of pulls and pushes."""
        with self._lock:
            return max(self._answers.values(), default=0)

    def close(self):
        # A thread that is in accept() ends so.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        connection = 0
        while True:
            try:
                worker, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            connection += 1
            for source, sink, note, skip in ((worker, server, self._ask, _PREFACE),
                                             (server, worker, self._answer, 0)):
                threading.Thread(target=self._relay, daemon=True, args=(
                    source, sink, note, _Frames(skip), connection)).start()

    def _relay(self, source, sink, note, frames, connection):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                for stream in frames.streams_with_data(piece):
                    note((connection, stream))
                with self._lock:
                    self.bytes_to_server += len(piece) if note == self._ask else 0
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _ask(self, stream):
        with self._lock:
            self._asked.add(stream)

    def _answer(self, stream):
        with self._lock:
            if stream in self._asked:
                self._asked.remove(stream)
                self._answers[stream] += 1


@contextlib.contextmanager
def watched(target):
    wire = Wire(target)
    try:
        yield wire
    finally:
        wire.close()
