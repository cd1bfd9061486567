"""Event files: TensorBoard's own readers read them."""

import glob

import numpy as np
import pytest

import varscope.compat.v1 as tf
from varscope.summaries import histogram, image, messages, wire

loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.compat.proto.graph_pb2 import GraphDef  # noqa: E402
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary  # noqa: E402


def events(folder):
    """All events of a folder, as TensorBoard's reader parses them."""
    return [event for file in sorted(glob.glob(str(folder / "events.out.tfevents.*")))
            for event in loader.LegacyEventFileLoader(file).Load()]


def test_scalars_of_each_step(tmp_path):
    x = tf.placeholder(tf.float32, [])
    with tf.name_scope("train"):
        tf.summary.scalar("loss", x * 2)
    merged = tf.summary.merge_all()
    with tf.Session() as sess, tf.summary.FileWriter(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_summary(sess.run(merged, {x: step + 0.5}), step)
    read = EventAccumulator(str(tmp_path)).Reload()
    assert [(e.step, e.value) for e in read.Scalars("train/loss")] == [(0, 1), (1, 3), (2, 5)]


def test_a_summarys_name_may_have_spaces():
    made = tf.summary.scalar("running average (1)", tf.constant(2.0))
    with tf.Session() as sess:
        value, = tf.Summary.FromString(sess.run(made)).value
    assert value.tag == "running_average__1_" and value.simple_value == 2


def test_the_first_event_says_the_version(tmp_path):
    tf.summary.FileWriter(str(tmp_path)).close()
    assert [event.file_version for event in events(tmp_path)] == ["brain.Event:2"]


def test_the_graph_with_its_scopes_and_its_shared_variables(tmp_path):
    with tf.variable_scope("model"):
        w = tf.get_variable("w", [2, 2])
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.name_scope("first"):
        first = tf.matmul(x, w, name="product")
    with tf.name_scope("second"):
        second = tf.matmul(x, w, name="product")
    tf.summary.FileWriter(str(tmp_path), tf.get_default_graph()).close()
    graphs = [event.graph_def for event in events(tmp_path) if event.graph_def]
    nodes = {node.name: node for node in GraphDef.FromString(graphs[0]).node}
    assert nodes["first/product"].op == "MatMul" and nodes["x"].op == "Placeholder"
    shared = {name for name in nodes["first/product"].input} & set(nodes["second/product"].input)
    assert "x" in shared and any(name.startswith("model/w") for name in shared)
    assert set(nodes) == {op.name for op in first.graph.get_operations()}
    shape = nodes["x"].attr["_output_shapes"].list.shape[0]
    assert [dim.size for dim in shape.dim] == [-1, 2]
    assert second.op.name in nodes
    assert EventAccumulator(str(tmp_path)).Reload().Graph().node[0].name in nodes


def test_histograms(tmp_path):
    values = np.concatenate([np.linspace(-3, 3, 1001), [0.0, 1e-13, 1e21]])
    x = tf.placeholder(tf.float32, [None])
    summary = tf.summary.histogram("weights", x)
    with tf.Session() as sess, tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(sess.run(summary, {x: values}), 7)
    read = EventAccumulator(str(tmp_path)).Reload().Histograms("weights")[0]
    made = read.histogram_value
    assert read.step == 7 and made.num == len(values) == sum(made.bucket)
    assert made.min == pytest.approx(-3) and made.max == pytest.approx(1e21)
    # As many elements up to each limit as there are.
    for limit, count in zip(made.bucket_limit, np.cumsum(made.bucket)):
        assert count == np.sum(values.astype(np.float32).astype(np.float64) < limit)


@pytest.mark.parametrize("values", [[], [5.0], [0.0, 0.0], [-1e300], [float("nan"), 1.0]])
def test_histograms_of_few_elements(values):
    made = HistogramProto.FromString(histogram.histogram(np.array(values)))
    finite = [x for x in values if np.isfinite(x)]
    assert sum(made.bucket) == made.num == len(finite)
    assert len(made.bucket) == len(made.bucket_limit) > 0


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images(tmp_path, channels):
    from PIL import Image
    import io
    pixels = np.random.RandomState(0).randint(0, 256, (2, 5, 4, channels)).astype(np.uint8)
    summary = tf.summary.image("digits", tf.constant(pixels), max_outputs=2)
    with tf.Session() as sess, tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(sess.run(summary))
    read = EventAccumulator(str(tmp_path)).Reload()
    assert sorted(read.Tags()["images"]) == ["digits/image/0", "digits/image/1"]
    for i in range(2):
        shown = read.Images(f"digits/image/{i}")[0]
        assert (shown.height, shown.width) == (5, 4)
        array = np.array(Image.open(io.BytesIO(shown.encoded_image_string)))
        np.testing.assert_array_equal(array.reshape(5, 4, channels), pixels[i])


def test_floats_are_spread_over_the_bytes():
    assert image.pixels(np.array([0.0, 0.5, 1.0])).tolist() == [0, 127, 255]
    assert image.pixels(np.array([-1.0, 0.0, 1.0])).tolist() == [1, 128, 255]


def test_summaries_that_a_program_makes():
    ours = messages.Summary(value=[messages.Value(tag="a", simple_value=1.5)])
    ours.value.add(tag="b", simple_value=-2.0, node_name="n")
    theirs = Summary.FromString(ours.SerializeToString())
    assert [(v.tag, v.simple_value, v.node_name) for v in theirs.value] == [
        ("a", 1.5, ""), ("b", -2.0, "n")]
    back = tf.Summary.FromString(theirs.SerializeToString())
    assert [(v.tag, v.simple_value) for v in back.value] == [("a", 1.5), ("b", -2.0)]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**32, 2**63, -1])
def test_numbers_of_the_wire(number):
    data = wire.varint(number)
    assert wire.fields(wire.varint(8) + data) == [(1, number % 2**64)]


def test_merge_all_of_nothing():
    assert tf.summary.merge_all() is None


def test_what_a_writer_adds_after_close_is_in_a_new_file(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path))
    for step in range(2):
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=step)]), step)
        writer.close()
    assert [e.summary.value[0].simple_value for e in events(tmp_path) if e.summary.value] == [0, 1]


def test_texts(tmp_path):
    one = tf.summary.text("note", tf.constant("hello *world*"))
    many = tf.summary.text("table", tf.constant([["a", "b"], ["c", "d"]]))
    with tf.Session() as sess, tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(sess.run(tf.summary.merge([one, many])), 3)
    read = {value.tag: value for event in events(tmp_path) for value in event.summary.value}
    assert read["note"].metadata.plugin_data.plugin_name == "text"
    assert list(read["note"].tensor.string_val) == [b"hello *world*"]
    assert [dim.size for dim in read["table"].tensor.tensor_shape.dim] == [2, 2]
    assert list(read["table"].tensor.string_val) == [b"a", b"b", b"c", b"d"]
    with pytest.raises(ValueError, match="string"):
        tf.summary.text("number", tf.constant(1.0))


def test_events_are_read_again(tmp_path):
    with tf.summary.FileWriter(str(tmp_path), tf.get_default_graph()) as writer:
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.5)]), 7)
    file, = tmp_path.iterdir()
    read = list(tf.train.summary_iterator(str(file)))
    assert read[0].file_version == "brain.Event:2" and read[0].wall_time > 1e9
    assert [event.graph_def for event in read if event.graph_def] != []
    assert [(event.step, value.tag, value.simple_value) for event in read
            for value in event.summary.value] == [(7, "a", 1.5)]
