"""Queue runners: threads that fill a queue. What readers and batches give needs none."""

from __future__ import annotations

import threading
from typing import Any

from varscope import errors
from varscope.collections_ import GraphKeys, add_to_collection


class QueueRunner:
    """Ops that threads of a program run again and again, until a Coordinator stops them."""

    def __init__(self, queue: Any = None, enqueue_ops: Any = None, close_op: Any = None,
                 cancel_op: Any = None) -> None:
        self._queue = queue
        self._ops = list(enqueue_ops or [])

    def create_threads(self, sess: Any, coord: Any = None, daemon: bool = False,
                       start: bool = False) -> list[threading.Thread]:
        """Returns one thread for each op, and with a coordinator one that closes the queue."""
        left = _Left(len(self._ops), self._queue)
        threads = [threading.Thread(target=self._loop, args=(sess, op, coord, left),
                                    daemon=daemon) for op in self._ops]
        if coord is not None and self._queue is not None:
            threads.append(threading.Thread(target=self._close, args=(coord,), daemon=daemon))
        for thread in threads:
            if coord is not None:
                coord.register_thread(thread)
            if start:
                thread.start()
        return threads

    def _loop(self, sess: Any, op: Any, coord: Any, left: _Left) -> None:
        try:
            while coord is None or not coord.should_stop():
                sess.run(op)
        except (errors.OutOfRangeError, errors.CancelledError):
            pass  # there is no more to put in
        except Exception as error:  # the coordinator raises it again
            if coord is None:
                raise
            coord.request_stop(error)
        finally:
            left.ended()

    def _close(self, coord: Any) -> None:
        coord.wait_for_stop()
        self._queue.cancel()


class _Left:
    """How many threads still fill a queue. The last one closes it."""

    def __init__(self, count: int, queue: Any) -> None:
        self._count, self._queue = count, queue
        self._lock = threading.Lock()

    def ended(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0 and self._queue is not None:
                self._queue.finish()


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Adds a runner to the graph's."""
    add_to_collection(collection, qr)


def start_queue_runners(sess: Any = None, coord: Any = None, daemon: bool = True,
                        start: bool = True,
                        collection: str = GraphKeys.QUEUE_RUNNERS) -> list[threading.Thread]:
    """Starts the threads of the graph's runners."""
    from varscope.session import session_for
    session = session_for("start_queue_runners()", sess)
    with session.graph.as_default():
        runners = session.graph.get_collection(collection)
    return [thread for runner in runners
            for thread in runner.create_threads(session, coord, daemon, start)]
