"""Images of other sizes, boxes in images, and what images differ by: the numbers are TensorFlow's."""

import numpy as np
import pytest

import varscope.compat.v1 as tf

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.rand(2, 7, 9, 3).astype(np.float32)
ONE = RANDOM.rand(6, 8, 3).astype(np.float32)
BOXES = [[0.1, 0.2, 0.6, 0.9], [0.0, 0.0, 1.0, 1.0], [-0.1, 0.3, 1.2, 0.5]]


def run(*wanted, feed=None):
    with tf.Session() as session:
        return session.run(list(wanted), feed)


@pytest.mark.parametrize("method, aligns, first, total, unknown", [
    (0, False, 0.546, 178.0, 90.3), (0, True, 0.546, 179.5, 89.6), (1, False, 0.549, 179.2, 90.9),
    (1, True, 0.545, 179.0, 86.4), (2, False, 0.557, 177.7, 90.3), (2, True, 0.557, 179.3, 89.2),
    (3, False, 0.53, 178.3, 90.1), (3, True, 0.537, 179.5, 89.1)])
def test_sizes_that_are_known_or_not(method, aligns, first, total, unknown):
    image = tf.placeholder(tf.float32, [None, None, 3])
    known = tf.image.resize_images(IMAGES, [5, 12], method, aligns)
    other = tf.image.resize_images(image, tf.stack([5, tf.shape(image)[1] + 4]), method, aligns)
    one, two = run(known, other, feed={image: ONE})
    assert known.shape.as_list() == [2, 5, 12, 3]
    assert one[0, 0, 1, 0] == pytest.approx(first, abs=1e-3)
    assert one.sum() == pytest.approx(total, abs=0.06)
    assert two.shape == (5, 12, 3) and two.sum() == pytest.approx(unknown, abs=0.06)


def test_sizes_in_proportion_and_gradients():
    image = tf.placeholder(tf.float32, [None, None, 3])
    small = tf.image.resize_images(IMAGES, [20, 20], preserve_aspect_ratio=True)
    assert small.shape.as_list() == [2, 16, 20, 3]
    other = tf.image.resize_images(image, [20, 20], preserve_aspect_ratio=True)
    slope, = tf.gradients(tf.image.resize_area(tf.expand_dims(image, 0), [3, 4]), image)
    found, slopes = run(other, slope, feed={image: ONE})
    assert found.shape == (15, 20, 3)
    np.testing.assert_allclose(slopes, 0.25, rtol=1e-5)


def test_parts_that_boxes_show():
    crop = tf.image.crop_and_resize(IMAGES, BOXES, [0, 1, 0], [4, 5])
    middle = tf.image.crop_and_resize(IMAGES, BOXES, [0, 1, 0], [1, 3], extrapolation_value=7.0)
    nearest = tf.image.crop_and_resize(IMAGES, BOXES, [0, 1, 0], [4, 5], method="nearest")
    one, two, three = run(crop, middle, nearest)
    np.testing.assert_allclose(one[0, 0, 0], [0.46, 0.474, 0.666], atol=1e-3)
    assert [round(float(x.sum()), 1) for x in (one, two, three)] == [71.4, 11.8, 71.4]


def test_boxes_are_drawn():
    drawn, = run(tf.image.draw_bounding_boxes(np.zeros((1, 6, 6, 3), np.float32),
                                              [[[0.0, 0.0, 0.6, 0.6], [-0.5, 0.4, 2.0, 0.8]]]))
    assert drawn[0, 3, :4].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 1, 0]]
    assert drawn[0, 5, 2].tolist() == [0, 0, 1] and not drawn[0, 1, 1].any()


def test_the_best_boxes():
    boxes = [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 2, 1, 3], [1, 3, 0, 2.9]]
    best, few, good = run(
        tf.image.non_max_suppression(boxes, [0.6, 0.9, 0.5, 0.4], 4),
        tf.image.non_max_suppression(boxes, [0.6, 0.9, 0.5, 0.4], 1, 0.9),
        tf.image.non_max_suppression(boxes, [0.6, 0.9, 0.5, 0.4], 4, 0.9, score_threshold=0.45))
    assert (best.tolist(), few.tolist(), good.tolist()) == ([1, 2, 3], [1], [1, 0, 2])


def test_a_box_that_covers_enough():
    begin, size, box = tf.image.sample_distorted_bounding_box(
        [40, 50, 3], [[[0.2, 0.2, 0.7, 0.7]]], min_object_covered=0.5, seed=3)
    part = tf.slice(tf.zeros([40, 50, 3]), begin, size)
    for _ in range(5):
        first, sizes, found, cut = run(begin, size, box, part)
        top, left, bottom, right = found[0, 0]
        shared = (min(bottom, 0.7) - max(top, 0.2)) * (min(right, 0.7) - max(left, 0.2))
        assert shared >= 0.5 * 0.25 - 1e-6 and first[2] == 0 and sizes[2] == -1
        assert cut.shape == (sizes[0], sizes[1], 3)


def test_differences_and_colors():
    variation, noise, back = run(tf.image.total_variation(IMAGES), tf.image.psnr(
        IMAGES, IMAGES * 0.9, 1.0), tf.image.yuv_to_rgb(tf.image.rgb_to_yuv(IMAGES)))
    np.testing.assert_allclose(variation, [110.54, 114.637], atol=1e-2)
    np.testing.assert_allclose(noise, [24.711, 24.97], atol=1e-3)
    np.testing.assert_allclose(back, IMAGES, atol=1e-5)


def test_images_as_files(tmp_path):
    pixels = tf.cast(tf.constant(IMAGES[0]) * 255, tf.uint8)
    png = tf.image.encode_png(pixels)
    with tf.Session() as session:
        session.run(tf.write_file(str(tmp_path / "a" / "x.png"), png))
        read = tf.image.decode_png(tf.read_file(str(tmp_path / "a" / "x.png")))
        np.testing.assert_array_equal(*session.run([read, pixels]))
        assert session.run(tf.image.encode_jpeg(pixels))[:2] == b"\xff\xd8"
