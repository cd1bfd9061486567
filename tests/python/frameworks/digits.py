"""The handwritten digits that client/examples has, split alike in every process."""

import numpy as np


class Digits:
    """Images, float32 from 0 to 1, and labels: to train on, and a fifth to test on."""

    def __init__(self, path):
        rows = np.loadtxt(path, delimiter=",", dtype=np.float32)
        rows = rows[np.random.RandomState(1998).permutation(len(rows))]
        images, labels = rows[:, :64] / 16, rows[:, 64].astype(np.int64)
        is_test = np.arange(len(rows)) % 5 == 0
        self.images, self.labels = images[~is_test], labels[~is_test]
        self.test_images, self.test_labels = images[is_test], labels[is_test]

    def batches(self, seed, steps, size=32):
        """So many random batches, others for each seed."""
        random = np.random.RandomState(seed)
        for _ in range(steps):
            rows = random.randint(len(self.labels), size=size)
            yield self.images[rows], self.labels[rows]

    def accuracy(self, logits):
        """Of a function of images, on digits that nobody trained on."""
        return float((np.asarray(logits(self.test_images)).argmax(1) == self.test_labels).mean())
