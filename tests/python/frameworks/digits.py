"""The handwritten digits that client/examples has, split as client/examples/digits.cc splits them."""

import numpy as np


def _order(size):
    """The fixed shuffle of digits.cc."""
    drawn = iter(np.random.RandomState(1998)._bit_generator.random_raw(size).tolist())
    order = list(range(size))
    for i in range(size - 1, 0, -1):
        j = next(drawn) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


class Digits:
    """Images, float32 from 0 to 1, and labels: to train on, and a fifth to test on."""

    def __init__(self, path):
        rows = np.loadtxt(path, delimiter=",", dtype=np.float32)
        rows = rows[_order(len(rows))]
        images, labels = rows[:, :64] / 16, rows[:, 64].astype(np.int64)
        is_test = np.arange(len(rows)) % 5 == 0
        self.images, self.labels = images[~is_test], labels[~is_test]
        self.test_images, self.test_labels = images[is_test], labels[is_test]

    def batches(self, seed, steps, size=32):
        """So many random batches, others for each seed; each image moved by up to a pixel."""
        random = np.random.RandomState(seed)
        padded = np.pad(self.images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
        for _ in range(steps):
            rows = random.randint(len(self.labels), size=size)
            down, right = random.randint(3, size=2)
            moved = padded[rows, down:down + 8, right:right + 8]
            yield moved.reshape(size, 64), self.labels[rows]

    def accuracy(self, logits):
        """Of a function of images, on digits that nobody trained on."""
        return float((np.asarray(logits(self.test_images)).argmax(1) == self.test_labels).mean())
