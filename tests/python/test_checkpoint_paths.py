"""Where checkpoints are written, and what is no path for one."""

import os
import pathlib

import numpy as np
import pytest

import varscope
import varscope.compat.v1 as tf


@pytest.fixture
def store():
    store = varscope.connect()
    store.get_variable("w", initializer=[1.0, 2.0])
    return store


@pytest.mark.parametrize("path, text", [
    ("", "no path specified"), ("folder", "has no file's name"), ("folder/", "has no file's name"),
    (".", "has no file's name"), ("folder/.npz", "has no file's name"), ("model.pt", "'.pt' of"),
    ("model.h5", "'.h5' of"), ("model.NPZ", "'.NPZ' of"), ("model.npy", "is no format")])
def test_a_store_writes_files_that_have_a_name_and_a_format(store, tmp_path, monkeypatch, path, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=rf"save\(\).*{text}.*write NAME.safetensors"):
        store.save(path)
    assert [str(p) for p in pathlib.Path().rglob("*")] == ["folder"]


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors", "a.ckpt", "a.ckpt-7", "plain", "ü ö.npz"])
def test_round_trips(store, tmp_path, name):
    path = store.save(tmp_path / "new" / name)
    store.assign({store.get_variable("w"): [0, 0]})
    store.restore(pathlib.Path(path))
    assert store.pull("w").tolist() == [1, 2]


def test_what_is_no_path(store):
    for path in (None, 3, b"a.npz"):
        with pytest.raises(TypeError):
            store.save(path)
    with pytest.raises(ValueError, match=r"restore\(\): no path specified"):
        store.restore("")


def test_a_saver_takes_tensorflows_prefixes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    w = tf.get_variable("w", initializer=[1.0])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        saver = tf.train.Saver()
        with pytest.raises(ValueError, match="no path specified"):
            saver.save(sess, "")
        assert os.listdir() == []
        for path in ("folder/", "model.h5"):
            assert saver.save(sess, path) == path
            sess.run(w.assign([0.0]))
            saver.restore(sess, path)
            assert sess.run(w).tolist() == [1]


def test_a_saver_of_what_is_no_variable(store):
    for variables in (["w"], {"w": "w"}, [np.ones(2)]):
        with pytest.raises(TypeError, match="Expected a variable, not .*Saver takes a list"):
            store.save("a.npz", variables)
