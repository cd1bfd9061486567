"""Tensors of strings, and what they are decoded to."""

import io
import struct
import zlib

import numpy as np
import pytest

import varscope.compat.v1 as tf
from varscope.strings import decoding


def run(fetches, feed_dict=None):
    with tf.Session() as sess:
        return sess.run(fetches, feed_dict)


def test_constants_are_bytes_in_a_run():
    hello = tf.constant("Hello, TensorFlow!")
    assert str(hello) == 'Tensor("Const:0", shape=(), dtype=string)'
    assert run(hello) == b"Hello, TensorFlow!"
    several = run(tf.constant([["a", "b"], ["c", "dé"]]))
    assert several.dtype == object and several.shape == (2, 2)
    assert several[1, 1] == "dé".encode()
    assert tf.constant(["a", "b"]).get_shape().as_list() == [2]
    assert tf.constant("a", shape=[2]).shape.as_list() == [2]


def test_they_are_fetched_beside_numbers_and_in_structures():
    got = run({"text": [tf.constant("a")], "number": tf.constant(1) + 1})
    assert got == {"text": [b"a"], "number": 2}


def test_placeholders():
    name = tf.placeholder(tf.string, [None], name="names")
    assert name.name == "names:0" and name.dtype == tf.string
    assert run(name, {name: ["x", "y"]}).tolist() == [b"x", b"y"]
    with pytest.raises(ValueError, match="names.*string"):
        run(name)
    with pytest.raises(TypeError, match="Expected string, got 3"):
        run(name, {name: [3]})


def test_joining_and_operators():
    name = tf.placeholder(tf.string)
    joined = tf.string_join(["hello", name, tf.constant(["a", "b"])], separator=" ")
    assert run(joined, {name: "you"}).tolist() == [b"hello you a", b"hello you b"]
    assert run("<" + name + ">", {name: "x"}) == b"<x>"
    assert run(tf.substr(name, 1, 2), {name: "abcd"}) == b"bc"
    assert run(tf.string_strip(name), {name: " ab \n"}) == b"ab"
    assert run(tf.strings.length(name), {name: "dé"}) == 3


def test_numbers_and_texts():
    x = tf.placeholder(tf.float32, [2])
    assert run(tf.as_string(x * 2), {x: [1, 2.5]}).tolist() == [b"2.000000", b"5.000000"]
    assert run(tf.as_string(tf.constant([3, -4]))).tolist() == [b"3", b"-4"]
    assert run(tf.as_string(tf.constant(1.25), precision=1)) in (b"1.2", b"1.3")
    assert run(tf.as_string(tf.constant([True, False]))).tolist() == [b"true", b"false"]
    assert run(tf.string_to_number(["1", "2.5"]) * 2).tolist() == [2, 5]
    assert run(tf.string_to_number("12", tf.int64)).dtype == np.int64
    with pytest.raises(tf.errors.InvalidArgumentError, match="correctly convert string: x"):
        run(tf.string_to_number("x"))


def test_what_a_run_takes_it_takes_once():
    lines = tf.data.Dataset.from_tensor_slices(["1,2", "3,4"]).make_one_shot_iterator().get_next()
    a, b = tf.decode_csv(lines, [[0], [0.0]])
    assert run([lines, a, b, a + 1]) == [b"1,2", 1, 2.0, 2]


def test_comma_separated_values():
    a, b, c, d = tf.decode_csv(['1,2.5,x,', '3,,"y,z",7'], [[0], [0.5], ["-"], [9]])
    got = run([a, b, c, d])
    assert [x.tolist() for x in got] == [[1, 3], [2.5, 0.5], [b"x", b"y,z"], [9, 7]]
    assert [x.dtype for x in (a, b, d)] == [tf.int32, tf.float32, tf.int32]
    assert c.dtype == tf.string and a.get_shape().as_list() == [2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expect 2 fields but have 3"):
        run(tf.decode_csv("1,2,3", [[0], [0]]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="required but missing"):
        run(tf.decode_csv("1,", [[0], tf.constant([], tf.int32)])[1])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("little", [True, False])
def test_raw_bytes(dtype, little):
    numbers = np.array([[1, 2, 3], [4, 5, 100]], dtype)
    order = numbers.astype(np.dtype(dtype).newbyteorder("<" if little else ">"))
    rows = [row.tobytes() for row in order]
    decoded = tf.decode_raw(rows, dtype, little_endian=little)
    assert decoded.get_shape().as_list() == [2, None]
    np.testing.assert_array_equal(run(decoded), numbers)
    one = tf.decode_raw(rows[0], dtype, little_endian=little)
    one.set_shape([3])
    assert one.get_shape().as_list() == [3]
    np.testing.assert_array_equal(run(one), numbers[0])


def test_raw_bytes_of_different_sizes():
    with pytest.raises(tf.errors.InvalidArgumentError, match="same size"):
        run(tf.decode_raw([b"ab", b"abc"], tf.uint8))


def png_file(pixels, filters):
    """A PNG file whose rows are filtered as told, by a filter that knows no shortcuts."""
    height, width, channels = pixels.shape
    rows, above = [], np.zeros((width, channels), int)
    for y in range(height):
        row = pixels[y].astype(int)
        left = np.vstack([np.zeros((1, channels), int), row[:-1]])
        corner = np.vstack([np.zeros((1, channels), int), above[:-1]])
        guess = left + above - corner
        distances = np.stack([abs(guess - left), abs(guess - above), abs(guess - corner)])
        paeth = np.choose(distances.argmin(0), [left, above, corner])
        kind = filters[y % len(filters)]
        base = [np.zeros_like(row), left, above, (left + above) // 2, paeth][kind]
        rows.append(bytes([kind]) + ((row - base) % 256).astype(np.uint8).tobytes())
        above = row
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    packed = zlib.compress(b"".join(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed[:5]) + chunk(
        b"IDAT", packed[5:]) + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_files_without_another_package(channels):
    random = np.random.RandomState(channels)
    for filters in ([0], [1], [2], [3], [4], [4, 3, 2, 1, 0]):
        pixels = random.randint(0, 256, (6, 5, channels)).astype(np.uint8)
        np.testing.assert_array_equal(decoding._png(png_file(pixels, filters), 0), pixels)


def test_images_of_files(tmp_path):
    pixels = np.random.RandomState(1).randint(0, 256, (4, 3, 3)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(png_file(pixels, [4]))
    path = tf.placeholder(tf.string)
    image = tf.image.decode_png(tf.read_file(path), channels=3)
    assert image.dtype == tf.uint8 and image.get_shape().as_list() == [None, None, 3]
    np.testing.assert_array_equal(run(image, {path: str(tmp_path / "a.png")}), pixels)
    with pytest.raises(tf.errors.NotFoundError, match="No such file"):
        run(image, {path: str(tmp_path / "b.png")})


def test_a_jpeg_file(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    pixels = np.full((8, 8, 3), 128, np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG")
    assert abs(run(tf.image.decode_jpeg(data.getvalue(), channels=3)).astype(int) - 128).max() < 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        run(tf.image.decode_jpeg(b"nothing"))


def test_files_that_match(tmp_path):
    for name in ("b.txt", "a.txt", "c.csv"):
        (tmp_path / name).write_text("")
    found = run(tf.matching_files(str(tmp_path / "*.txt")))
    assert found.tolist() == [str(tmp_path / n).encode() for n in ("a.txt", "b.txt")]
    once = tf.train.match_filenames_once(str(tmp_path / "*.csv"))
    with tf.Session() as sess:
        assert len(sess.run(once)) == 1
        (tmp_path / "d.csv").write_text("")
        assert len(sess.run(once)) == 1


def test_prints(capfd):
    x = tf.placeholder(tf.float32)
    shown = tf.Print(x, [tf.constant([1, 2, 3, 4]), x, "end"], "values: ", first_n=2)
    with tf.Session() as sess:
        assert [sess.run(shown + 1, {x: i}) for i in range(3)] == [1, 2, 3]
    assert capfd.readouterr().err.splitlines() == [
        "values: [1 2 3...][0.0][end]", "values: [1 2 3...][1.0][end]"]


def test_sparse_tensors():
    sparse = tf.SparseTensor([[0, 1], [2, 0]], [5.0, 7.0], [3, 2])
    dense = [[0, 5], [0, 0], [7, 0]]
    assert run(tf.sparse_tensor_to_dense(sparse)).tolist() == dense
    assert run(tf.sparse_tensor_to_dense(sparse, -1)).tolist() == [[-1, 5], [-1, -1], [7, -1]]
    value = run(sparse)
    assert isinstance(value, tf.SparseTensorValue) and value.values.tolist() == [5, 7]
    fed = tf.sparse_placeholder(tf.float32)
    assert run(tf.sparse_tensor_to_dense(fed), {fed: value}).tolist() == dense
    assert run(tf.sparse_to_dense([1, 3], [4], 1)).tolist() == [0, 1, 0, 1]
    values = tf.placeholder(tf.float32, [2])
    whole = tf.sparse_to_dense(tf.constant([[0, 1], [2, 0]]), [3, 2], values, 4.0)
    assert run(tf.gradients(whole * whole, values)[0], {values: [5, 7]}).tolist() == [10, 14]
    words = tf.SparseTensor([[0, 0]], ["a"], [1, 2])
    assert run(tf.sparse_tensor_to_dense(words, default_value="-")).tolist() == [[b"a", b"-"]]


def test_constants_in_two_graphs_have_their_own_sessions():
    with tf.Graph().as_default():
        a = tf.constant("a") + "b"
        with tf.Session() as sess:
            assert sess.run(a) == b"ab"
    assert run(tf.constant("c")) == b"c"


def test_variables_of_strings():
    # Case 8 of TensorFlow's own tests of scopes.
    empty = tf.get_variable("string", shape=[], dtype=tf.string)
    hello, words = tf.Variable("Hello", name="hello"), tf.Variable(["a", "b"], dtype=tf.string)
    with tf.variable_scope("scope", reuse=tf.AUTO_REUSE):
        first, second = (tf.get_variable("s", initializer=text) for text in ("one", "two"))
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), empty.initializer])
        assert session.run([empty, hello + "!", first, second]) == [b"", b"Hello!", b"one", b"one"]
        assert session.run(words).tolist() == [b"a", b"b"]
        assert session.run(first.assign("new")) == b"new" == session.run(second)
    assert [empty.name, hello.name, first.name] == ["string:0", "hello:0", "scope/s:0"]
    assert tf.global_variables() == []
    with pytest.raises(ValueError, match="string already exists"):
        tf.get_variable("string", dtype=tf.string)
    with tf.variable_scope("scope", reuse=True), pytest.raises(ValueError, match="does not exist"):
        tf.get_variable("other", dtype=tf.string)
