"""Tables of words, parts of texts, arrays as messages, TensorFlow's own modules: the values are
TensorFlow's."""

import importlib

import numpy as np
import pytest

import varscope.compat.v1 as tf
from conftest import run_program

lookup = tf.contrib.lookup


def run(*wanted):
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        return session.run(list(wanted))


def test_tables_of_lists():
    words = ["a", "b", "c"]
    table = lookup.index_table_from_tensor(words, num_oov_buckets=2)
    back = lookup.index_to_string_table_from_tensor(words, default_value="none")
    keys = tf.constant([["a", "c"], ["other", "b"]])
    with tf.Session() as session:
        with pytest.raises(tf.errors.FailedPreconditionError, match="not initialized"):
            session.run(table.lookup(keys))
    numbers, texts, size = run(table.lookup(keys), back.lookup(tf.constant([2, 7], tf.int64)),
                               table.size())
    assert numbers.tolist()[0] == [0, 2] and numbers[1, 0] in (3, 4) and size == 5
    assert texts.tolist() == [b"c", b"none"]


def test_tables_of_files(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("x\ny\nz\n")
    table = lookup.index_table_from_file(str(path), default_value=-7)
    back = lookup.index_to_string_table_from_file(str(path))
    sparse = tf.SparseTensor([[0, 1]], ["z"], [1, 2])
    numbers, found, texts = run(table.lookup(tf.constant(["y", "no"])), table.lookup(sparse),
                                back.lookup(tf.constant([0, 9], tf.int64)))
    assert numbers.tolist() == [1, -7] and found.values.tolist() == [2]
    assert texts.tolist() == [b"x", b"UNK"]


def test_tables_of_pairs():
    static = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(["a", "b"], [1.5, 2.5]), -1.0)
    table = lookup.MutableHashTable(tf.string, tf.int64, -1)
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        assert session.run(static.lookup(tf.constant(["b", "q"]))).tolist() == [2.5, -1.0]
        session.run(table.insert(tf.constant(["a"]), tf.constant([4], tf.int64)))
        assert session.run(table.lookup(tf.constant(["a", "b"]))).tolist() == [4, -1]
        assert session.run(table.size()) == 1


def test_buckets_of_texts_of_all_lengths():
    texts = ["", "a", "abcd", "abcdefgh", "0123456789abcdefg", "y" * 33, "q" * 64,
             "hello world " * 20, "v" * 129]
    buckets, = run(tf.string_to_hash_bucket_fast(texts, 1000003))
    assert buckets.tolist() == [
        377723, 291400, 267500, 229479, 663110, 904239, 923615, 815936, 986553]


def test_parts_of_texts():
    split, rest, one, both = run(
        tf.string_split(["a b  c", "", "d"]), tf.string_split(["a,b;c"], ",;").values,
        tf.reduce_join([["a", "b"], ["c", "d"]], 0), tf.reduce_join([["a", "b"], ["c", "d"]]))
    assert split.values.tolist() == [b"a", b"b", b"c", b"d"]
    assert split.indices.tolist() == [[0, 0], [0, 1], [0, 2], [2, 0]]
    assert split.dense_shape.tolist() == [3, 3] and rest.tolist() == [b"a", b"b", b"c"]
    assert one.tolist() == [b"ac", b"bd"] and both == b"abcd"
    replaced, lower, coded = run(tf.regex_replace(["a1b22"], "[0-9]+", "_"), tf.strings.lower("AbC"),
                                 tf.decode_base64(tf.encode_base64(["a?>"])))
    assert (replaced.tolist(), lower, coded.tolist()) == ([b"a_b_"], b"abc", [b"a?>"])


def test_arrays_as_messages():
    proto = tf.make_tensor_proto([[1.0, 2.0]])
    assert proto.dtype == 1 and proto.tensor_shape.as_list() == [1, 2]
    read = type(proto).FromString(proto.SerializeToString())
    np.testing.assert_array_equal(tf.make_ndarray(read), [[1, 2]])
    tensor_pb2 = pytest.importorskip("tensorboard.compat.proto.tensor_pb2")
    other = tensor_pb2.TensorProto.FromString(tf.make_tensor_proto(["x", "y"]).SerializeToString())
    assert list(other.string_val) == [b"x", b"y"]
    assert tf.get_static_value(tf.shape(tf.zeros([2, 3]))).tolist() == [2, 3]
    assert tf.get_static_value(tf.placeholder(tf.float32)) is None


def test_a_template_makes_its_variables_once():
    times = tf.make_template("times", lambda x: x * tf.get_variable("w", initializer=2.0))
    assert run(times(1.0), times(3.0)) == [2, 6]
    assert [v.name for v in times.variables] == ["times/w:0"]


def test_modules_of_tensorflows_own():
    done = run_program(
        "import sys\n"
        "from varscope.running import become_tensorflow\n"
        "become_tensorflow()\n"
        "from tensorflow.python.ops import array_ops, control_flow_ops, tensor_array_ops\n"
        "from tensorflow.python.ops.math_ops import tanh\n"
        "from tensorflow.python.framework import constant_op, dtypes, ops, tensor_util\n"
        "from tensorflow.python.training import session_run_hook\n"
        "from tensorflow.python.client import device_lib, timeline\n"
        "from tensorflow.python.saved_model import tag_constants\n"
        "import tensorflow as tf\n"
        "assert array_ops.concat is tf.concat and tanh is tf.tanh\n"
        "assert session_run_hook.SessionRunHook is tf.train.SessionRunHook\n"
        "assert tensor_util.constant_value(constant_op.constant(3)) == 3\n"
        "assert device_lib.list_local_devices()[0].device_type == 'CPU'\n"
        "assert ops.Tensor is tf.Tensor and dtypes.float32 == tf.float32\n"
        "assert tag_constants.SERVING == 'serve'\n"
        "array_ops.none_such\n")
    assert "has no tf.python.ops.array_ops.none_such" in done.stderr.splitlines()[-1]


def test_a_script_that_reaches_into_modules_is_checked(tmp_path):
    from varscope.checking.scripts import findings_of
    script = tmp_path / "s.py"
    script.write_text("from tensorflow.python.ops import array_ops\n"
                      "array_ops.concat([1], 0)\narray_ops.none_such(1)\n")
    assert [finding.what for finding in findings_of(script)] == ["python.ops.array_ops.none_such"]
    assert importlib.import_module("varscope.compat.v1.python.ops").nn_ops.relu is tf.nn.relu
