"""Texts of numbers, numbers of texts, and pixels, as tf.compat.v1 of TensorFlow 2.21 has them."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

NAN, INF = np.nan, np.inf


def run(x):
    with tf.Session() as sess:
        return sess.run(x)


@pytest.mark.parametrize("values, arguments, expected", [
    ([1, -23], dict(width=8, fill="0"), [b"00000001", b"-0000023"]),
    ([1, -23], dict(width=8), [b"       1", b"     -23"]),
    ([1, -23], dict(width=8, fill="-"), [b"1       ", b"-23     "]),
    ([1], dict(width=8, fill="+"), [b"      +1"]),
    ([True, False], dict(width=8, fill="0"), [b"true", b"false"]),
    (["a", "b"], dict(width=4), [b"   a", b"   b"]), (["a"], {}, [b"a"]),
    (np.float32([0.1]), dict(precision=12), [b"0.100000001490"]),
    (np.float32([NAN, INF, -INF, 1.5]), dict(width=8, fill="0"),
     [b"     nan", b"     inf", b"    -inf", b"1.500000"]),
    ([1e10, 0.5], dict(shortest=True), [b"1e+10", b"0.5"]),
    ([1e10], dict(scientific=True, precision=2), [b"1.00e+10"]),
    ([1], dict(precision=3), None), ([1], dict(scientific=True), None), ([1], dict(fill="x"), None),
    ([1.0], dict(scientific=True, shortest=True), None)])
def test_as_string(values, arguments, expected):
    text = tf.as_string(values, **arguments)
    if expected is None:
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(text)
    else:
        assert run(text).tolist() == expected


# What a text is as float32, and as int32; None: no number.
NUMBERS = {"1_000": (None, None), "0x10": (16, None), " 5 ": (5, 5), "inf": (INF, None),
           "-Infinity": (-INF, None), "1e3": (1000, None), "": (None, None), "5.": (5, None),
           ".5": (0.5, None), "1 2": (None, None), "0x1p3": (8, None), "1f": (None, None),
           "+3": (3, 3), "3000000000": (3e9, None), "-2147483648": (-2**31, -2**31),
           "\u0663": (None, None)}


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("dtype", [tf.float32, tf.int32])
def test_string_to_number(text, dtype):
    expected = NUMBERS[text][dtype == tf.int32]
    number = tf.string_to_number([text], dtype)
    if expected is None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="could not correctly convert"):
            run(number)
    else:
        assert run(number).tolist() == [expected]


@pytest.mark.parametrize("place", range(-5, 6))
@pytest.mark.parametrize("count", range(-2, 5))
def test_substr(place, count):
    part = tf.substr(["abc", "xyz"], place, count)
    if not -3 <= place <= 3:
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
            run(part)
    else:
        first = place % 3 if place < 0 else place
        last = 3 if count < 0 else first + count
        assert run(part).tolist() == [b"abc"[first:last], b"xyz"[first:last]]


def test_substr_by_tensors():
    assert run(tf.substr(["abc", "xyz"], tf.constant([0, 1]), [1, 2])).tolist() == [b"a", b"yz"]


@pytest.mark.parametrize("line, expected", [
    ('a"b,c', None), ('"a"b,c', None), ('"a,c', None), (' "a",b', None), ("a\n,b", None),
    ("a,b,c", None), ("a", None), ("", None), ('"a""b",c', [b'a"b', b"c"]), (",", [b"x", b"y"]),
    ("a,", [b"a", b"y"]), ('"a\nb",c', [b"a\nb", b"c"]), ('"a,b",c', [b"a,b", b"c"])])
def test_decode_csv(line, expected):
    fields = tf.decode_csv(line, [["x"], ["y"]])
    if expected is None:
        with pytest.raises(tf.errors.InvalidArgumentError):
            run(fields)
    else:
        assert run(fields) == expected


def test_quotes_may_be_letters():
    assert run(tf.decode_csv('a"b,c', [["x"], ["y"]], use_quote_delim=False)) == [b'a"b', b"c"]


def test_defaults_that_are_tensors():
    defaults = [tf.constant([5]), tf.constant([], tf.int32)]
    assert run(tf.decode_csv(",2", defaults)) == [5, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="required"):
        run(tf.decode_csv("1,", defaults))


def test_bytes_of_an_odd_size():
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiple of 2"):
        run(tf.decode_raw(["abc"], tf.int16))


def test_queues_take_no_fractions_as_whole_numbers():
    queue = tf.FIFOQueue(5, [tf.int32])
    for values in ([1.5], [2.0]):
        with pytest.raises(TypeError, match="Expected int32"):
            queue.enqueue(values)


BYTES = np.array([[[250, 100, 30]]], np.uint8)


@pytest.mark.parametrize("made, expected", [
    (lambda: tf.image.rgb_to_grayscale(BYTES), [[[137]]]),
    (lambda: tf.image.adjust_brightness(BYTES, 0.1), [[[255, 125, 55]]]),
    (lambda: tf.image.adjust_brightness(BYTES, -0.5), [[[122, 0, 0]]]),
    (lambda: tf.image.random_brightness(BYTES, 0.0), BYTES),
    (lambda: tf.image.adjust_contrast(np.stack([BYTES[0], BYTES[0] // 2]), 2.0),
     [[[255, 125, 37]], [[62, 25, 7]]]),
    (lambda: tf.image.convert_image_dtype(np.float32([0.1, 0.5, 1, 1.2]), tf.uint8, True),
     [25, 127, 255, 255])])
def test_pixels_that_are_bytes(made, expected):
    found = run(made())
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_pixels_as_fractions():
    np.testing.assert_allclose(run(tf.image.convert_image_dtype(BYTES, tf.float32)), BYTES / 255,
                               rtol=1e-6)
    batch = run(tf.image.per_image_standardization(np.stack([BYTES, BYTES // 2])))
    np.testing.assert_allclose(batch, [[[[1.3439006, -0.29057306, -1.0533274]]]] * 2, rtol=1e-5)
