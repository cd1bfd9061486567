"""Data sets, MNIST's files, flags, files."""

import numpy as np
import pytest

import digit_files
import varscope.compat.v1 as tf
from varscope.data import mnist


def test_mnists_files_are_read(tmp_path):
    digit_files.write(tmp_path)
    images, labels = digit_files.digits()
    read = tf.examples.tutorials.mnist.input_data.read_data_sets(str(tmp_path), one_hot=True)
    assert read.test.images.shape == (300, 784) and read.test.images.dtype == np.float32
    np.testing.assert_allclose(read.test.images, images[:300].reshape(300, -1) / 255, rtol=1e-6)
    assert read.test.labels.argmax(1).tolist() == labels[:300].tolist()
    assert read.train.num_examples + read.validation.num_examples == len(images) - 300


def test_an_epoch_has_each_image_once(tmp_path):
    digit_files.write(tmp_path)
    train = mnist.read_data_sets(tmp_path, validation_size=0).train
    size = train.num_examples
    seen = np.concatenate([train.next_batch(size // 4)[0] for _ in range(4)])
    assert train.epochs_completed == 0
    def sums(x): return np.sort(x.sum(1).round(3))
    np.testing.assert_array_equal(sums(seen)[:10], sums(seen)[:10])
    rest = size - len(seen)
    train.next_batch(rest + 1)
    assert train.epochs_completed == 1


def test_a_file_that_is_none_of_mnists(tmp_path):
    digit_files.write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    with pytest.raises((ValueError, EOFError)):
        mnist.read_data_sets(tmp_path)


def test_a_folder_without_files_and_without_a_network(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not give it"):
        mnist.found(tmp_path, "t10k-labels-idx1-ubyte", "http://127.0.0.1:9/")


def elements(dataset):
    nexts = dataset.make_one_shot_iterator().get_next()
    seen = []
    with tf.Session() as sess:
        while True:
            try:
                seen.append(sess.run(nexts))
            except tf.errors.OutOfRangeError:
                return seen


def test_batches_of_slices():
    dataset = tf.data.Dataset.from_tensor_slices((np.arange(5), np.arange(5) * 2.0)).batch(2)
    assert [(a.tolist(), b.tolist()) for a, b in elements(dataset)] == [
        ([0, 1], [0, 2]), ([2, 3], [4, 6]), ([4], [8])]


def test_map_filter_take_skip_repeat_zip():
    numbers = tf.data.Dataset.range(10)
    squares = numbers.map(lambda x: x * x)
    assert [int(x) for x in elements(squares.skip(2).take(3))] == [4, 9, 16]
    assert [int(x) for x in elements(numbers.filter(lambda x: tf.greater(x, 7)))] == [8, 9]
    both = tf.data.Dataset.zip((numbers.take(2), squares.take(2))).repeat(2)
    assert [(int(a), int(b)) for a, b in elements(both)] == [(0, 0), (1, 1)] * 2


def test_shuffled_elements_are_the_same_ones():
    dataset = tf.data.Dataset.range(50).shuffle(10, seed=1)
    first, second = elements(dataset), elements(dataset)
    assert sorted(first) == sorted(second) == list(range(50)) and first != list(range(50))


def test_an_iterator_of_several_data_sets():
    train, test = (tf.data.Dataset.from_tensor_slices(np.float32(x)) for x in ([1, 2], [9]))
    iterator = tf.data.Iterator.from_structure(train.output_types, train.output_shapes)
    nexts = iterator.get_next()
    with tf.Session() as sess:
        for dataset, values in ((train, [1, 2]), (test, [9])):
            sess.run(iterator.make_initializer(dataset))
            assert [sess.run(nexts) for _ in values] == values
            with pytest.raises(tf.errors.OutOfRangeError):
                sess.run(nexts)


def test_an_iterator_over_a_placeholder():
    x = tf.placeholder(tf.float32, [None, 2])
    iterator = tf.data.Dataset.from_tensor_slices(x).batch(2).make_initializable_iterator()
    nexts = iterator.get_next() * 10
    with tf.Session() as sess:
        sess.run(iterator.initializer, {x: [[1, 2], [3, 4], [5, 6]]})
        assert sess.run(nexts).tolist() == [[10, 20], [30, 40]]
        assert sess.run(nexts).tolist() == [[50, 60]]


def test_a_run_that_does_not_need_the_next_element_does_not_take_it():
    nexts = tf.data.Dataset.range(2).make_one_shot_iterator().get_next()
    other = tf.constant(1)
    with tf.Session() as sess:
        sess.run(other)
        assert sess.run(nexts) == 0 and sess.run([nexts, other])[0] == 1


def test_a_generator():
    def made():
        yield from ([1, 2], [3])
    dataset = tf.data.Dataset.from_generator(made, tf.int32, tf.TensorShape([None]))
    assert [x.tolist() for x in elements(dataset)] == [[1, 2], [3]]


@pytest.mark.parametrize("words, values", [
    ([], ("x", 3, 0.5, False)), (["--name=y", "--count", "7"], ("y", 7, 0.5, False)),
    (["--on"], ("x", 3, 0.5, True)), (["--on=false", "-rate=2"], ("x", 3, 2.0, False)),
    (["--noon", "rest"], ("x", 3, 0.5, False))])
def test_flags(words, values):
    from varscope.flags import FLAGS, Flag, FlagError, FlagValues, _boolean
    flags = FlagValues()
    for name, default, parse in (("name", "x", str), ("count", 3, int), ("rate", 0.5, float),
                                 ("on", False, _boolean)):
        flags._declare(Flag(name, default, "", parse))
    rest = flags(["program", *words])
    assert (flags.name, flags.count, flags.rate, flags.on) == values
    assert rest == ["program"] + [word for word in words if word == "rest"]
    # As scripts print them.
    shown = getattr(flags, "__flags")
    assert f"{shown['count']}" == str(flags.count) and shown["count"].value == flags.count
    flags.count = 9
    assert flags.flag_values_dict()["count"] == 9 and isinstance(FLAGS, FlagValues)
    with pytest.raises(FlagError):
        flags(["program", "--count=many"])
    with pytest.raises(FlagError, match="unknown"):
        flags(["program", "--unknown"])


def test_files(tmp_path):
    folder = str(tmp_path / "a" / "b")
    tf.gfile.MakeDirs(folder)
    with tf.gfile.GFile(folder + "/f", "w") as file:
        file.write("one\ntwo\n")
    assert tf.gfile.Exists(folder + "/f") and tf.gfile.Glob(folder + "/*") == [folder + "/f"]
    with tf.gfile.FastGFile(folder + "/f", "rb") as file:
        assert file.size() == 8 and file.read() == b"one\ntwo\n"
    tf.gfile.DeleteRecursively(str(tmp_path / "a"))
    assert not tf.gfile.Exists(folder)
