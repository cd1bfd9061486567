"""The MNIST digits, read from MNIST's own files, as the tutorials' input_data does."""

from __future__ import annotations

import gzip
import math
import os
import urllib.request
from typing import Any, NamedTuple

import numpy as np

SOURCE_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


class Datasets(NamedTuple):
    """The three parts."""

    train: Any
    validation: Any
    test: Any


def read_idx(path: str) -> np.ndarray:
    """Returns the bytes of an idx file, perhaps compressed, in its shape. ValueError for another."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        data = file.read()
    if data[:3] != b"\0\0\x08" or len(data) < 4:
        raise ValueError(f"{path} is no file of MNIST: an idx file of bytes begins with 0 0 8")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def found(folder: str | os.PathLike[str], name: str, source_url: str = SOURCE_URL) -> str:
    """Returns the path of a file of the folder, compressed or not; fetches it when it is missing.

    FileNotFoundError when it can be had nowhere.
    """
    for path in (os.path.join(folder, name + ".gz"), os.path.join(folder, name)):
        if os.path.exists(path):
            return path
    path = os.path.join(folder, name + ".gz")
    os.makedirs(folder, exist_ok=True)
    try:
        with urllib.request.urlopen(source_url + name + ".gz", timeout=60) as answer:
            data = answer.read()
    except OSError as error:
        raise FileNotFoundError(
            f"{path} is not there, and {source_url} does not give it: {error}") from error
    with open(path + ".part", "wb") as file:
        file.write(data)
    os.replace(path + ".part", path)
    return path


class DataSet:
    """Images and labels, and batches of them in an order that is drawn anew each epoch."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, fake_data: bool = False,
                 one_hot: bool = False, dtype: Any = np.float32, reshape: bool = True,
                 seed: int | None = None) -> None:
        if len(images) != len(labels):
            raise ValueError(f"images.shape: {images.shape} labels.shape: {labels.shape}")
        if reshape:
            images = images.reshape(len(images), math.prod(images.shape[1:]))
        # 'tf.uint8' keeps the bytes; all else are floats from 0 to 1.
        if np.dtype(getattr(dtype, "as_numpy_dtype", dtype)) == np.float32:
            images = images.astype(np.float32) * np.float32(1.0 / 255.0)
        self._images, self._labels = images, labels
        self._random = np.random.RandomState(seed)
        self._order = np.arange(len(images))
        self._at = 0
        self._epochs = 0

    @property
    def images(self) -> np.ndarray:
        return self._images

    @property
    def labels(self) -> np.ndarray:
        return self._labels

    @property
    def num_examples(self) -> int:
        return len(self._images)

    @property
    def epochs_completed(self) -> int:
        return self._epochs

    def next_batch(self, batch_size: int, fake_data: bool = False,
                   shuffle: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Returns so many images with their labels. What an epoch leaves over begins the batch that
        the next one fills up."""
        if self._at == 0 and self._epochs == 0 and shuffle:
            self._random.shuffle(self._order)
        taken = self._order[self._at:self._at + batch_size]
        self._at += len(taken)
        while len(taken) < batch_size:
            self._epochs += 1
            self._order = np.arange(self.num_examples)
            if shuffle:
                self._random.shuffle(self._order)
            self._at = min(batch_size - len(taken), self.num_examples)
            taken = np.concatenate([taken, self._order[:self._at]])
        return self._images[taken], self._labels[taken]


def read_data_sets(train_dir: str | os.PathLike[str], fake_data: bool = False,
                   one_hot: bool = False, dtype: Any = np.float32, reshape: bool = True,
                   validation_size: int = 5000, seed: int | None = None,
                   source_url: str = SOURCE_URL) -> Datasets:
    """Returns the digits of a folder, which are fetched into it when they are not there.

    Of few images an eighth at most is the validation part.
    """
    if fake_data:
        raise NotImplementedError("read_data_sets: varscope has no 'fake_data'")
    images, labels = _part(train_dir, "train", one_hot, source_url)
    size = min(validation_size, len(images) // 8) if len(images) < 2 * validation_size else (
        validation_size)
    options = dict(dtype=dtype, reshape=reshape, seed=seed)
    return Datasets(
        train=DataSet(images[size:], labels[size:], **options),
        validation=DataSet(images[:size], labels[:size], **options),
        test=DataSet(*_part(train_dir, "test", one_hot, source_url), **options))


def _part(folder: str | os.PathLike[str], part: str, one_hot: bool,
          source_url: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = (read_idx(found(folder, name, source_url)) for name in _FILES[part])
    return images[..., np.newaxis], dense_to_one_hot(labels, 10) if one_hot else labels


def dense_to_one_hot(labels_dense: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns a row for each class number: 1 at the class, else 0."""
    return np.eye(num_classes)[labels_dense]


def load_data(path: str = "mnist.npz") -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """tf.keras.datasets.mnist.load_data: the training and the test part, as bytes. The folder is
    MNIST_DATA of the environment, else .keras/datasets of the home folder."""
    folder = os.environ.get("MNIST_DATA") or os.path.expanduser("~/.keras/datasets")
    parts = [[read_idx(found(folder, name)) for name in _FILES[part]] for part in _FILES]
    return tuple(parts[0]), tuple(parts[1])
