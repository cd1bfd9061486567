"""Queues of files, readers, batches, and records."""

import threading

import numpy as np
import pytest

import varscope.compat.v1 as tf


def all_of(fetches, most=1000):
    """What runs give until there is no more."""
    found = []
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        try:
            while len(found) < most:
                found.append(sess.run(fetches))
        except tf.errors.OutOfRangeError:
            pass
    return found


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.csv").write_text("head\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("head\n5,6\r\n7,8")
    return [str(tmp_path / name) for name in ("a.csv", "b.csv")]


def test_lines_of_files(files):
    queue = tf.train.string_input_producer(files, num_epochs=2, shuffle=False)
    key, value = tf.TextLineReader(skip_header_lines=1).read(queue)
    got = all_of([key, value])
    assert [value for _, value in got] == [b"1,2", b"3,4", b"5,6", b"7,8"] * 2
    assert got[0][0] == files[0].encode() + b":2"


def test_a_key_and_its_value_are_of_one_record(files):
    queue = tf.train.string_input_producer(files, num_epochs=1, shuffle=False)
    key, value = tf.TextLineReader().read(queue)
    a = tf.string_join([key, value], "=")
    for joined, k, v in all_of([a, key, value]):
        assert joined == k + b"=" + v


def test_whole_files_and_records_of_a_size(tmp_path):
    (tmp_path / "x").write_bytes(b"H" + bytes(range(6)) + b"FF")
    def queue():
        return tf.train.string_input_producer([str(tmp_path / "x")], num_epochs=1)
    assert all_of(tf.WholeFileReader().read(queue())[1]) == [(tmp_path / "x").read_bytes()]
    records = tf.FixedLengthRecordReader(2, header_bytes=1, footer_bytes=2).read(queue())[1]
    assert all_of(records) == [bytes([0, 1]), bytes([2, 3]), bytes([4, 5])]


@pytest.mark.parametrize("smaller", [False, True])
def test_batches_are_of_so_many_runs(files, smaller):
    queue = tf.train.string_input_producer(files, num_epochs=1, shuffle=False)
    a, b = tf.decode_csv(tf.TextLineReader(1).read(queue)[1], [[0], [0.0]])
    left, right = tf.train.batch([a * 10, tf.stack([b, b])], 3, allow_smaller_final_batch=smaller)
    assert left.get_shape().as_list() == [None if smaller else 3]
    assert right.get_shape().as_list() == [None if smaller else 3, 2]
    got = [x.tolist() for x, _ in all_of([left, right])]
    assert got == [[10, 30, 50]] + ([[70]] if smaller else [])


def test_batches_in_the_form_of_what_they_are_of():
    x, y = tf.train.slice_input_producer([np.arange(4), ["a", "b", "c", "d"]], shuffle=False,
                                         num_epochs=1)
    made = tf.train.batch({"x": x, "y": y}, 2)
    got = all_of(made)
    assert [one["x"].tolist() for one in got] == [[0, 1], [2, 3]]
    assert [one["y"].tolist() for one in got] == [[b"a", b"b"], [b"c", b"d"]]
    single = tf.train.batch(tf.constant([1.0, 2.0]), 2)
    assert all_of(single, 1)[0].tolist() == [[1, 2], [1, 2]]


def test_rows_enter_batches_one_by_one():
    rows = tf.train.batch([np.arange(6).reshape(3, 2)], 2, enqueue_many=True)
    assert all_of(rows, 2)[1].tolist() == [[4, 5], [0, 1]]


def test_batches_of_different_shapes():
    n = tf.train.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
    filled = tf.train.batch([tf.range(n)], 2, dynamic_pad=True)
    assert [x.tolist() for x in all_of(filled)] == [[[0], [0]], [[0, 1, 0], [0, 1, 2]]]
    plain = tf.train.batch([tf.range(tf.train.range_input_producer(2).dequeue())], 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="different shapes"):
        all_of(plain)


def test_shuffled_batches_have_every_element_once():
    n = tf.train.range_input_producer(50, num_epochs=1, shuffle=False).dequeue()
    drawn = tf.train.shuffle_batch([n], 5, 100, 20, seed=3)
    got = np.concatenate(all_of(drawn))
    assert sorted(got) == list(range(50)) and got.tolist() != list(range(50))
    assert max(got[:5]) < 25  # drawn from 25 that wait


def test_several_groups_take_turns():
    def numbers(first):
        return [first + tf.train.range_input_producer(2, num_epochs=1, shuffle=False).dequeue()]
    joined = tf.train.batch_join([numbers(0), numbers(10)], 4)
    assert [x.tolist() for x in all_of(joined)] == [[0, 10, 1, 11]]


def test_passes_are_shuffled_by_their_seed():
    def passes(seed):
        n = tf.train.range_input_producer(20, num_epochs=2, seed=seed).dequeue()
        return [int(x) for x in all_of(n)]
    assert passes(1) == passes(1) != passes(2)
    assert sorted(passes(1)[:20]) == sorted(passes(1)[20:]) == list(range(20))


def test_threads_that_scripts_start_have_nothing_to_do(files):
    queue = tf.train.string_input_producer(files)
    value = tf.TextLineReader().read(queue)[1]
    with tf.Session() as sess:
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess=sess, coord=coord)
        assert sess.run(value)
        coord.request_stop()
        coord.join(threads)


def example(i, **more):
    def feature(**kind):
        (name, values), = kind.items()
        made = {"ints": lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
                "floats": lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v)),
                "bytes": lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v))}
        return made[name](values)
    return tf.train.Example(features=tf.train.Features(feature={
        "i": feature(ints=[i, -i]), "x": feature(floats=[i + 0.5]),
        "name": feature(bytes=[b"n%d" % i]), "many": feature(ints=range(i)), **more}))


FEATURES = {"i": tf.FixedLenFeature([2], tf.int64), "x": tf.FixedLenFeature([], tf.float32),
            "name": tf.FixedLenFeature([], tf.string), "many": tf.VarLenFeature(tf.int64),
            "none": tf.FixedLenFeature([2], tf.float32, default_value=[1, 2]),
            "rest": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True)}


@pytest.fixture
def records(tmp_path):
    path = str(tmp_path / "records")
    with tf.python_io.TFRecordWriter(path) as writer:
        for i in range(4):
            writer.write(example(i).SerializeToString())
    return path


def test_records_of_examples(records):
    queue = tf.train.string_input_producer([records], num_epochs=1)
    parsed = tf.parse_single_example(tf.TFRecordReader().read(queue)[1], features=FEATURES)
    assert parsed["i"].get_shape().as_list() == [2]
    got = all_of(parsed)
    assert [one["i"].tolist() for one in got] == [[0, 0], [1, -1], [2, -2], [3, -3]]
    assert [one["x"] for one in got] == [0.5, 1.5, 2.5, 3.5]
    assert [one["name"] for one in got] == [b"n0", b"n1", b"n2", b"n3"]
    assert [one["many"].values.tolist() for one in got] == [[], [0], [0, 1], [0, 1, 2]]
    assert got[2]["none"].tolist() == [1, 2] and got[2]["rest"].tolist() == []
    assert len(list(tf.python_io.tf_record_iterator(records))) == 4


def test_records_in_batches(records):
    dataset = tf.data.TFRecordDataset([records]).batch(4)
    parsed = tf.parse_example(dataset.make_one_shot_iterator().get_next(), FEATURES)
    with tf.Session() as sess:
        got = sess.run({**parsed, "dense": tf.sparse_tensor_to_dense(parsed["many"])})
    assert got["i"].tolist() == [[0, 0], [1, -1], [2, -2], [3, -3]]
    assert got["name"].tolist() == [b"n0", b"n1", b"n2", b"n3"]
    assert got["dense"].tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 1, 2]]
    assert got["none"].shape == (4, 2)


def test_records_that_do_not_fit(records, tmp_path):
    record = example(1).SerializeToString()
    for features, text in (
            ({"i": tf.FixedLenFeature([3], tf.int64)}, "Number of int64 values"),
            ({"i": tf.FixedLenFeature([2], tf.float32)}, "types don't match"),
            ({"other": tf.FixedLenFeature([], tf.int64)}, "other.*could not be found")):
        parsed = tf.parse_single_example(record, features)
        with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match=text):
            sess.run(parsed)
    (tmp_path / "broken").write_bytes(open(records, "rb").read()[:-1])
    with pytest.raises(tf.errors.DataLossError, match="corrupted record"):
        list(tf.python_io.tf_record_iterator(str(tmp_path / "broken")))


def test_data_sets_of_files(files):
    names = tf.placeholder(tf.string, [None])
    iterator = tf.data.TextLineDataset(names).filter(
        lambda line: tf.not_equal(tf.strings.length(line), 4)).map(
            lambda line: tf.decode_csv(line, [[0], [0]])).make_initializable_iterator()
    a, b = iterator.get_next()
    with tf.Session() as sess:
        sess.run(iterator.initializer, {names: files})
        assert [tuple(sess.run([a, b])) for _ in range(4)] == [(1, 2), (3, 4), (5, 6), (7, 8)]
        with pytest.raises(tf.errors.OutOfRangeError):
            sess.run(a)


def test_data_sets_of_data_sets(files):
    lines = tf.data.Dataset.from_tensor_slices(files).flat_map(
        lambda name: tf.data.TextLineDataset(name).skip(1))
    assert all_of(lines.make_one_shot_iterator().get_next()) == [b"1,2", b"3,4", b"5,6", b"7,8"]
    mixed = tf.data.Dataset.list_files(files, shuffle=False).interleave(
        lambda name: tf.data.TextLineDataset(name).skip(1), cycle_length=2)
    assert all_of(mixed.make_one_shot_iterator().get_next()) == [b"1,2", b"5,6", b"3,4", b"7,8"]


def test_lists_are_arrays_and_tuples_are_structures():
    rows = tf.data.Dataset.from_tensor_slices(([1, 2, 3], ["a", "b", "c"]))
    assert all_of(rows.make_one_shot_iterator().get_next()) == [(1, b"a"), (2, b"b"), (3, b"c")]
    flat = tf.data.Dataset.from_tensor_slices([1, 2, 3]).apply(
        tf.contrib.data.batch_and_drop_remainder(2))
    assert [x.tolist() for x in all_of(flat.make_one_shot_iterator().get_next())] == [[1, 2]]


def test_padded_batches():
    made = tf.data.Dataset.range(4).map(lambda n: tf.range(tf.cast(n, tf.int32)))
    filled = made.padded_batch(2, padded_shapes=[None]).make_one_shot_iterator().get_next()
    assert [x.tolist() for x in all_of(filled)] == [[[0], [0]], [[0, 1, 0], [0, 1, 2]]]
    wide = made.padded_batch(4, padded_shapes=[5]).make_one_shot_iterator().get_next()
    assert all_of(wide)[0].shape == (4, 5)


def test_queues_give_what_they_got():
    queue = tf.FIFOQueue(3, [tf.int32, tf.string], shapes=[[], []])
    put = queue.enqueue_many([[1, 2, 3], ["a", "b", "c"]])
    number, text = queue.dequeue()
    pair = queue.dequeue_many(2)
    with tf.Session() as sess:
        sess.run(put)
        assert sess.run(queue.size()) == 3
        assert sess.run([number, text]) == [1, b"a"]
        assert [x.tolist() for x in sess.run(pair)] == [[2, 3], [b"b", b"c"]]
        sess.run(queue.enqueue([4, "d"]))
        sess.run(queue.close())
        assert sess.run(number) == 4
        with pytest.raises(tf.errors.OutOfRangeError, match="closed and has insufficient"):
            sess.run(number)
        with pytest.raises(tf.errors.CancelledError):
            sess.run(queue.enqueue([5, "e"]))


def test_runners_fill_a_queue_until_they_are_stopped():
    counter = tf.Variable(0.0)
    queue = tf.FIFOQueue(4, [tf.float32], shapes=[[]])
    runner = tf.train.QueueRunner(queue, [queue.enqueue([counter.assign_add(1.0)])] * 2)
    tf.train.add_queue_runner(runner)
    first, several = queue.dequeue(), queue.dequeue_many(3)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        seen = [sess.run(first), *sess.run(several)]
        assert len(set(seen)) == 4 and all(x >= 1 for x in seen)
        coord.request_stop()
        coord.join(threads)
    assert not any(thread.is_alive() for thread in threads)


def test_the_last_runner_closes_its_queue():
    n = tf.train.range_input_producer(5, num_epochs=1, shuffle=False).dequeue()
    queue = tf.RandomShuffleQueue(10, 3, [tf.int32], shapes=[[]], seed=1)
    runner = tf.train.QueueRunner(queue, [queue.enqueue([n])])
    out = queue.dequeue_up_to(2)
    with tf.Session() as sess:
        threads = runner.create_threads(sess, tf.train.Coordinator(), daemon=True, start=True)
        got = [sess.run(out).tolist() for _ in range(3)]
        assert sorted(sum(got, [])) == [0, 1, 2, 3, 4]
        with pytest.raises(tf.errors.OutOfRangeError):
            sess.run(out)
    assert len(threads) == 2


def test_a_queue_of_different_shapes():
    queue = tf.PaddingFIFOQueue(3, [tf.int32], shapes=[[None]])
    with tf.Session() as sess:
        for n in (1, 3):
            sess.run(queue.enqueue([tf.range(n)]))
        assert sess.run(queue.dequeue_many(2)).tolist() == [[0, 0, 0], [0, 1, 2]]


def test_a_run_waits_for_an_element():
    queue = tf.FIFOQueue(1, tf.int32, shapes=[])
    take, put = queue.dequeue(), queue.enqueue(7)
    got = []
    with tf.Session() as sess:
        waiting = threading.Thread(target=lambda: got.append(sess.run(take)))
        waiting.start()
        sess.run(put)
        waiting.join()
    assert got == [7]


def sequence_record():
    def whole(*numbers):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=numbers))

    lists = {"word": tf.train.FeatureList(feature=[whole(3), whole(1), whole(2)]),
             "tags": tf.train.FeatureList(feature=[whole(), whole(7, 8), whole(9)])}
    return tf.train.SequenceExample(
        context=tf.train.Features(feature={"length": whole(3)}),
        feature_lists=tf.train.FeatureLists(feature_list=lists)).SerializeToString()


def test_records_of_sequences():
    record = tf.placeholder(tf.string)
    context, steps = tf.parse_single_sequence_example(
        record, {"length": tf.FixedLenFeature([], tf.int64)},
        {"word": tf.FixedLenSequenceFeature([], tf.int64), "tags": tf.VarLenFeature(tf.int64),
         "none": tf.FixedLenSequenceFeature([2], tf.float32, allow_missing=True)})
    with tf.Session() as session:
        found, of_steps = session.run([context, steps], {record: sequence_record()})
    assert found["length"] == 3
    assert of_steps["word"].tolist() == [3, 1, 2]
    assert of_steps["tags"].indices.tolist() == [[1, 0], [1, 1], [2, 0]]
    assert of_steps["tags"].values.tolist() == [7, 8, 9]
    assert of_steps["tags"].dense_shape.tolist() == [3, 2]
    assert of_steps["none"].shape == (0, 2)


def test_sequences_that_do_not_fit():
    with tf.Session() as session:
        for features, text in [
                ({"none": tf.FixedLenSequenceFeature([], tf.int64)}, "required but could not"),
                ({"tags": tf.FixedLenSequenceFeature([], tf.int64)}, "Number of int64 values"),
                ({"word": tf.FixedLenSequenceFeature([], tf.float32)}, "Data types don't match")]:
            _, steps = tf.parse_single_sequence_example(sequence_record(), None, features)
            with pytest.raises(tf.errors.InvalidArgumentError, match=text):
                session.run(steps)


def test_numpys_numbers_in_examples():
    listed = tf.train.Int64List(value=[np.int32(-3), np.int64(5), np.uint8(7), *np.arange(2)])
    example = tf.train.Example(features=tf.train.Features(feature={
        "n": tf.train.Feature(int64_list=listed)}))
    read = tf.train.Example.FromString(example.SerializeToString())
    assert list(read.features.feature["n"].int64_list.value) == [-3, 5, 7, 0, 1]
