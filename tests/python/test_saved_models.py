"""SavedModels: what a builder writes, loaded again, in the format that tools of TensorFlow read."""

import numpy as np
import pytest

import varscope.compat.v1 as tf
from varscope.summaries import wire

saved = tf.saved_model


def model():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", initializer=[[2.0], [3.0]])
    return x, tf.add(tf.matmul(x, w), 1.0, name="y"), w


def write(folder, **options):
    with tf.Graph().as_default(), tf.Session() as session:
        x, y, w = model()
        session.run(tf.global_variables_initializer())
        session.run(w.assign([[5.0], [7.0]]))
        saved.simple_save(session, folder, {"x": x}, {"y": y}, **options)


def test_a_saved_model_is_loaded_with_its_values_and_signature(tmp_path):
    write(str(tmp_path / "m"))
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["saved_model.pb", "variables"]
    assert saved.loader.maybe_saved_model_directory(str(tmp_path / "m"))
    assert not saved.contains_saved_model(str(tmp_path))
    with tf.Session(graph=tf.Graph()) as session:
        made = saved.loader.load(session, [saved.tag_constants.SERVING], str(tmp_path / "m"))
        said = made.signature_def[saved.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY]
        assert (said.inputs["x"].name, said.outputs["y"].name) == ("x:0", "y:0")
        assert said.method_name == "tensorflow/serving/predict"
        assert said.inputs["x"].dtype == 1 and said.inputs["x"].tensor_shape.as_list() == [None, 2]
        y = saved.utils.get_tensor_from_tensor_info(said.outputs["y"], session.graph)
        assert session.run(y, {said.inputs["x"].name: [[1, 1]]}) == [[13.0]]


def test_the_file_is_a_saved_model_message(tmp_path):
    meta_graph_pb2 = pytest.importorskip("tensorboard.compat.proto.meta_graph_pb2")
    write(tmp_path)
    fields = wire.fields((tmp_path / "saved_model.pb").read_bytes())
    assert [field for field, _ in fields] == [1, 2] and fields[0][1] == 1
    read = meta_graph_pb2.MetaGraphDef.FromString(fields[1][1])
    assert list(read.meta_info_def.tags) == ["serve"]
    said = read.signature_def["serving_default"]
    assert said.method_name == "tensorflow/serving/predict"
    assert said.inputs["x"].name == "x:0" and said.inputs["x"].dtype == 1
    assert [dim.size for dim in said.inputs["x"].tensor_shape.dim] == [-1, 2]
    assert "MatMul" in [node.op for node in read.graph_def.node]


def test_what_a_loaded_graph_runs_first_and_a_scope(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        model()
        ready = tf.get_variable("ready", initializer=0.0)
        session.run(tf.global_variables_initializer())
        builder = saved.builder.SavedModelBuilder(str(tmp_path / "m"))
        with pytest.raises(AssertionError, match="add_meta_graph_and_variables"):
            builder.add_meta_graph(["train"])
        builder.add_meta_graph_and_variables(session, ["serve"], main_op=ready.assign(1.0).op)
        builder.add_meta_graph(["serve", "gpu"])
        builder.save()
    with tf.Session(graph=tf.Graph()) as session:
        saved.load(session, {"serve", "gpu"}, str(tmp_path / "m"), import_scope="again")
        assert session.run("again/y:0", {"again/x:0": [[1, 1]]}) == [[6.0]]
        assert session.run("again/ready:0") == 1
        assert [v.name for v in tf.trainable_variables()] == ["again/w:0", "again/ready:0"]
    with pytest.raises(AssertionError, match="isn't empty"):
        saved.Builder(str(tmp_path / "m"))
    with tf.Session(graph=tf.Graph()) as session:
        with pytest.raises(RuntimeError, match="could not be found"):
            saved.load(session, ["tpu"], str(tmp_path / "m"))
        with pytest.raises(OSError, match="does not exist"):
            saved.load(session, ["serve"], str(tmp_path))


def test_signatures():
    x, y, _ = model()
    utils = saved.signature_def_utils
    said = utils.build_signature_def({"inputs": saved.utils.build_tensor_info(x)},
                                     {"outputs": saved.utils.build_tensor_info(y)},
                                     saved.REGRESS_METHOD_NAME)
    assert utils.is_valid_signature(said)
    assert not utils.is_valid_signature(utils.build_signature_def({}, {}, "other"))
    assert utils.predict_signature_def({"a": x}, {"b": y}).outputs["b"].name == "y:0"
    with pytest.raises(ValueError, match="cannot be None or empty"):
        utils.predict_signature_def({}, {"b": y})
    text = tf.placeholder(tf.string, [None])
    scores = utils.classification_signature_def(text, None, tf.nn.softmax(y))
    assert list(scores.outputs) == ["scores"] and scores.inputs["inputs"].dtype == 7
    with pytest.raises(ValueError, match="must be of type string"):
        utils.regression_signature_def(x, y)


def test_a_graph_is_imported_below_a_scope(tmp_path):
    x, y, w = model()
    tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y), name="train")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    tf.reset_default_graph()
    for scope in ("a", "a"):
        saver = tf.train.import_meta_graph(path + ".meta", import_scope=scope)
    assert [v.name for v in tf.trainable_variables()] == ["a/w:0", "a_1/w:0"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.restore(session, path)
        session.run("a_1/train", {"a_1/x:0": [[1, 2]]})
        np.testing.assert_allclose(session.run("a_1/w:0"), [[1.9], [2.8]], rtol=1e-6)
