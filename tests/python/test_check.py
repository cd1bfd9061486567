"""python -m varscope check: what a script needs that varscope does not have."""

import subprocess
import sys

import pytest


def check(folder, code, name="script.py"):
    """What it prints of a script, without the file's folder, and its exit code."""
    (folder / name).write_text(code)
    done = subprocess.run([sys.executable, "-m", "varscope", "check", name], cwd=folder, text=True,
                          capture_output=True, timeout=120, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines(), done.returncode


HEAD = "import tensorflow as tf\n"


@pytest.mark.parametrize("line, said", [
    ("tf.nn.rellu(1)", "varscope has no tf.nn.rellu; the nearest that it has is tf.nn.relu"),
    ("tf.layers.dense(x, 3, activatoin=None)", "varscope has no argument 'activatoin' of "
     "tf.layers.dense"),
    ("tf.reduce_sum(x, axes=1)", "varscope has no argument 'axes' of tf.reduce_sum"),
    ("tf.Session().rum(x)", "varscope has no tf.Session.rum"),
    ("y = tf.constant(1.0) * 2; y.shapely", "varscope has no tf.Tensor.shapely"),
    ("with tf.Session() as s:\n    s.run(1, feeds={})", "varscope has no argument 'feeds' of "
     "tf.Session.run"),
    ("opt = tf.train.AdamOptimizer(1e-3); opt.minimise(x)",
     "varscope has no tf.AdamOptimizer.minimise"),
    ("tf.train.Supervisor(logdirectory='x')",
     "varscope has no argument 'logdirectory' of tf.train.Supervisor"),
    ("tf.zeros([1], tf.float32, 'n', 5)", "tf.zeros takes 3 arguments by their places, not 4"),
])
def test_what_is_missing_has_a_line(tmp_path, line, said):
    lines, code = check(tmp_path, HEAD + line + "\n")
    place = 3 if line.startswith("with") else 2
    assert (lines, code) == ([f"script.py:{place}: {said}"], 1)


@pytest.mark.parametrize("head, line", [
    ("from tensorflow.contrib import slim", "slim.conv2dd(1)"),
    ("import tensorflow.contrib.slim as slim", "slim.conv2dd(1)"),
    ("import tensorflow as tf; slim = tf.contrib.slim", "slim.conv2dd(1)"),
    ("import tensorflow.compat.v1 as tf; slim = tf.contrib.slim", "slim.conv2dd(1)")])
def test_all_names_of_a_module(tmp_path, head, line):
    lines, code = check(tmp_path, f"{head}\n{line}\n")
    assert code == 1 and len(lines) == 1
    assert lines[0].startswith("script.py:2: varscope has no tf.contrib.slim.conv2dd; the nearest")


def test_an_import_of_what_is_missing(tmp_path):
    lines, _ = check(tmp_path, "from tensorflow.nn import rellu\n")
    assert lines == ["script.py:1: varscope has no tf.nn.rellu; the nearest that it has is "
                     "tf.nn.relu"]


def test_modules_beside_the_script_are_read_too(tmp_path):
    (tmp_path / "model.py").write_text(HEAD + "def net(x):\n    return tf.nn.rellu(x)\n")
    lines, code = check(tmp_path, "from model import net\n")
    assert code == 1 and lines[0].startswith("model.py:3: varscope has no tf.nn.rellu")


def test_what_a_script_can_do_without(tmp_path):
    lines, code = check(tmp_path, HEAD + "try:\n    f = tf.nn.rellu\nexcept AttributeError:\n"
                        "    f = tf.nn.relu\n")
    assert (lines, code) == ([], 0)


def test_what_is_not_known_is_not_complained_of(tmp_path):
    code = HEAD + "\n".join([
        "import numpy as np", "x = np.zeros(3)", "x.anything(1)", "def f(y): return y.more",
        "class C(tf.nn.rnn_cell.RNNCell):\n    def own(self): return self.thing",
        "z = tf.constant(1) if x else np.ones(2)", "z.sum()", "FLAGS = tf.app.flags.FLAGS",
        "FLAGS.whatever", "tf.ConfigProto(anything=True).gpu_options.allow_growth = True"])
    assert check(tmp_path, code) == ([], 0)


def test_a_parameter_is_none_of_the_files_tensors(tmp_path):
    code = HEAD + """x = tf.constant(1.0)
def halved(x, rows):
    for row in rows:
        x = x.reshape(3)
    return x.shapely, lambda y, x: x.shapely
row = tf.constant(2.0)
print(row.shapely)
print(x.shapely)
"""
    lines, code = check(tmp_path, code)
    assert (lines, code) == (["script.py:9: varscope has no tf.Tensor.shapely"], 1)


def test_another_pythons_script(tmp_path):
    lines, code = check(tmp_path, "print 1\n")
    assert code == 1 and lines[0].startswith("script.py:1: this is not Python 3")


def test_a_file_that_is_not_there(tmp_path):
    done = subprocess.run([sys.executable, "-m", "varscope", "check", "none.py"], cwd=tmp_path,
                          text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 1 and "none.py" in done.stderr


def test_what_tf_variable_makes_is_a_variable(tmp_path):
    lines, _ = check(tmp_path, HEAD + "v = tf.Variable(1.0)\nv.assign(2.0)\nv.asign(2.0)\n")
    assert lines == ["script.py:4: varscope has no tf.Variable.asign"]


def test_a_name_that_is_also_something_unknown_is_not_complained_of(tmp_path):
    code = "_, out = tf.while_loop(f, g, [x, y])\nout = tf.transpose(out.stack())\n"
    assert check(tmp_path, HEAD + code) == ([], 0)


def test_what_hasattr_guards_is_not_missing(tmp_path):
    said, _ = check(tmp_path, "import tensorflow as tf\n"
                    "x = tf.erfinv(0.5) if hasattr(tf, 'erfinv') else 0\n"
                    "if hasattr(tf, 'rellu') and x:\n    tf.rellu(x)\nelse:\n    tf.rellu2(x)\n")
    assert [line.partition(";")[0] for line in said] == [
        "script.py:6: varscope has no tf.rellu2"]
