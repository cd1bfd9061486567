"""What is dropped is gone."""

import gc
import os
import resource

import numpy as np
import pytest

import varscope
import varscope.compat.v1 as tf


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def threads_and_files():
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


def build():
    with tf.Graph().as_default():
        with tf.variable_scope("a", regularizer=lambda v: tf.reduce_sum(v),
                               custom_getter=lambda getter, *a, **k: getter(*a, **k)):
            v = tf.get_variable("v", [2], initializer=tf.ones_initializer())
        tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(v * 2))


def test_ten_thousand_graphs():
    for _ in range(1000):
        build()
    gc.collect()
    before = resident()
    for _ in range(9000):
        build()
    gc.collect()
    # A graph takes more than 10 KiB: those would be 90 MiB.
    assert resident() - before < 16 << 20


def test_what_is_used_after_its_graph_keeps_it():
    with tf.Graph().as_default():
        x = tf.constant(1.0) + 1
    gc.collect()
    with x.graph.as_default(), tf.Session() as sess:
        assert sess.run(x) == 2


def test_connections_end_with_their_graphs(server):
    def connect():
        store = varscope.connect(server)
        v = store.get_variable("v", [2])
        store.push({v: [1.0, 1.0]}, optimizer=0.1)
        store.pull(v)

    for _ in range(3):
        connect()
    gc.collect()
    before = threads_and_files()
    for _ in range(30):
        connect()
    gc.collect()
    after = threads_and_files()
    assert after[0] <= before[0] + 2 and after[1] <= before[1] + 6


def test_arrays_outlive_their_session():
    v = tf.get_variable("v", [1000], initializer=tf.ones_initializer())
    with tf.Session() as sess:
        arrays = [sess.run(v) for _ in range(3)]
    del sess, v
    tf.reset_default_graph()
    gc.collect()
    assert all((array == 1).all() for array in arrays)


def test_runs_keep_nothing():
    x = tf.placeholder(tf.float32, [None])
    y = x * 2
    value = np.ones(1 << 18, np.float32)
    with tf.Session() as sess:
        for _ in range(50):
            sess.run(y, {x: value})
        before = resident()
        for _ in range(300):
            sess.run(y, {x: value})
    # Each fed and each fetched tensor is 1 MiB.
    assert resident() - before < 32 << 20


def test_an_error_keeps_no_graph():
    def fail():
        with tf.Graph().as_default() as graph:
            tf.get_variable("v", [1])
            with pytest.raises(ValueError):
                tf.get_variable("v", [1])
            return graph._kept

    for _ in range(2000):
        fail()
    gc.collect()
    before = resident()
    for _ in range(2000):
        fail()
    gc.collect()
    assert resident() - before < 8 << 20
