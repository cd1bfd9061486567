"""What data sets do beside maps and batches: the elements are TensorFlow's."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

Dataset, experimental = tf.data.Dataset, tf.data.experimental


def elements(dataset):
    following = tf.data.make_one_shot_iterator(dataset).get_next()
    seen = []
    with tf.Session() as session:
        with pytest.raises(tf.errors.OutOfRangeError):
            while True:
                seen.append(session.run(following))
    return seen


def listed(dataset):
    return [np.asarray(x).tolist() for x in elements(dataset)]


def test_parts_of_data_sets():
    assert elements(Dataset.range(3).enumerate(5)) == [(5, 0), (6, 1), (7, 2)]
    assert listed(Dataset.range(10).shard(3, 1)) == [1, 4, 7]
    assert listed(Dataset.range(9).apply(experimental.take_while(lambda x: x < 3))) == [0, 1, 2]
    assert listed(Dataset.from_tensor_slices([[1, 2], [3, 4]]).unbatch()) == [1, 2, 3, 4]
    assert listed(Dataset.from_tensor_slices([1, 2, 1]).apply(experimental.unique())) == [1, 2]
    finite = Dataset.from_tensor_slices([1.0, 0.0, 4.0]).map(
        lambda x: tf.check_numerics(1.0 / x, "none")).apply(experimental.ignore_errors())
    assert listed(finite) == [1.0, 0.25]


def test_windows():
    windows = Dataset.range(7).window(3, shift=2, drop_remainder=True)
    assert listed(windows.flat_map(lambda w: w.batch(3))) == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    strided = Dataset.range(7).window(3, 2, 2)
    assert listed(strided.flat_map(lambda w: w.batch(3))) == [[0, 2, 4], [2, 4, 6], [4, 6], [6]]
    pairs = Dataset.zip((Dataset.range(3), Dataset.range(5, 8))).window(2)
    zipped = elements(pairs.flat_map(lambda a, b: Dataset.zip((a.batch(2), b.batch(2)))))
    assert [(a.tolist(), b.tolist()) for a, b in zipped] == [([0, 1], [5, 6]), ([2], [7])]


def test_data_sets_of_numbers_elements():
    assert listed(Dataset.range(1, 4).flat_map(Dataset.range)) == [0, 0, 1, 0, 1, 2]
    tens = Dataset.from_tensor_slices([[1, 2], [3, 4]]).flat_map(
        lambda x: Dataset.from_tensor_slices(x * 10))
    assert listed(tens) == [10, 20, 30, 40]


def test_groups_of_keys_and_of_lengths():
    odd = Dataset.range(7).apply(experimental.group_by_window(
        lambda x: x % 2, lambda key, window: window.batch(3), 3))
    assert listed(odd) == [[0, 2, 4], [1, 3, 5], [6]]
    rows = Dataset.from_generator(lambda: iter([[1], [2, 3], [4, 5, 6], [7]]), tf.int64, [None])
    buckets = rows.apply(experimental.bucket_by_sequence_length(
        lambda x: tf.shape(x)[0], [2, 4], [2, 2, 2]))
    assert listed(buckets) == [[[2, 3, 0], [4, 5, 6]], [[1], [7]]]
    assert listed(rows.padded_batch(2, [None], np.int64(-1))) == [
        [[1, -1], [2, 3]], [[4, 5, 6], [7, -1, -1]]]


def test_states():
    sums = Dataset.range(5).apply(experimental.scan(np.int64(0), lambda s, x: (s + x, s + x)))
    assert listed(sums) == [0, 1, 3, 6, 10]
    total = Dataset.range(5).reduce(np.int64(0), lambda s, x: s + x)
    single = experimental.get_single_element(Dataset.range(3).skip(2))
    with tf.Session() as session:
        assert session.run([total, single, experimental.cardinality(Dataset.range(7))]) == [10, 2, 7]
    a, b = Dataset.from_tensors("a").repeat(), Dataset.from_tensors("b").repeat()
    choices = Dataset.from_tensor_slices(np.array([0, 1, 1, 0]))
    assert elements(experimental.choose_from_datasets([a, b], choices)) == [b"a", b"b", b"b", b"a"]
    assert listed(experimental.Counter(3, 2).take(3)) == [3, 5, 7]


def test_sparse_elements():
    sparse = tf.SparseTensor([[0, 0], [1, 2], [2, 1]], [1, 2, 3], [3, 4])
    batch, rest = elements(Dataset.from_tensor_slices(sparse).batch(2))
    assert batch.indices.tolist() == [[0, 0], [1, 2]] and batch.dense_shape.tolist() == [2, 4]
    assert rest.values.tolist() == [3] and rest.dense_shape.tolist() == [1, 4]
    dense = Dataset.range(2).map(lambda x: tf.SparseTensor([[x]], [x + 1], [3])).map(
        tf.sparse_tensor_to_dense)
    assert listed(dense) == [[1, 0, 0], [0, 2, 0]]


def test_numbers_that_the_initializer_is_fed():
    size, rows = tf.placeholder(tf.int64, []), tf.placeholder(tf.float32, [None])
    iterator = Dataset.from_tensor_slices(rows).batch(size).repeat().make_initializable_iterator()
    following = iterator.get_next()
    with tf.Session() as session:
        session.run(iterator.initializer, {size: 2, rows: [1, 2, 3]})
        assert [session.run(following).tolist() for _ in range(3)] == [[1, 2], [3], [1, 2]]
    with pytest.raises(ValueError, match="placeholder"):
        Dataset.from_tensor_slices(rows).make_one_shot_iterator()
    assert listed(Dataset.from_tensor_slices(tf.zeros([2]) + 1)) == [1, 1]


def test_an_iterator_of_any_handle():
    handle = tf.placeholder(tf.string, [])
    iterator = tf.data.Iterator.from_string_handle(handle, tf.int64, [])
    following = iterator.get_next()
    first = Dataset.range(3).make_one_shot_iterator()
    second = Dataset.range(10, 20).make_initializable_iterator()
    with tf.Session() as session:
        one, two = session.run([first.string_handle(), second.string_handle()])
        session.run(second.initializer)
        assert [session.run(following, {handle: x}) for x in (one, two, one, two)] == [0, 10, 1, 11]
        with pytest.raises(tf.errors.InvalidArgumentError, match="no iterator"):
            session.run(following, {handle: "other"})
    assert iterator.output_types == tf.int64 and iterator.output_shapes.as_list() == []
    with pytest.raises(ValueError, match="does not have an initializer"):
        first.initializer  # noqa: B018


def test_tables_in_files(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n1,2.5,x\n2,,y\n3,1.5,z\n")
    rows = experimental.CsvDataset(str(path), [tf.int32, [7.0], tf.string], header=True)
    assert elements(rows) == [(1, 2.5, b"x"), (2, 7.0, b"y"), (3, 1.5, b"z")]
    assert elements(experimental.CsvDataset([str(path)], [tf.string], header=True,
                                            select_cols=[2])) == [(b"x",), (b"y",), (b"z",)]
    (columns, label), _ = elements(experimental.make_csv_dataset(
        str(path), 2, label_name="c", num_epochs=1, shuffle=False))
    assert {key: x.tolist() for key, x in columns.items()} == {"a": [1, 2], "b": [2.5, 0]}
    assert label.tolist() == [b"x", b"y"]


def test_one_order_of_all_passes():
    both = listed(Dataset.range(9).shuffle(9, reshuffle_each_iteration=False, seed=1).repeat(2))
    assert both[:9] == both[9:] != list(range(9))
