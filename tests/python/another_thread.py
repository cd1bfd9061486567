"""Work in a thread of its own."""

import threading

import varscope.compat.v1 as tf


def in_thread(work, graph=None):
    """Runs the function in a thread, with the graph as its default one; raises what it raises."""
    graph = graph or tf.get_default_graph()
    raised = []

    def run():
        try:
            with graph.as_default():
                work()
        except BaseException as error:  # noqa: BLE001
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
