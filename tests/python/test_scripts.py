"""What scripts import beside `import tensorflow`, and the tool that runs a folder of them."""

import json
import subprocess
import sys

import pytest

from conftest import FOLDER
from test_run import command, run

MODULES = [
    "from tensorflow.examples.tutorials.mnist import input_data",
    "import tensorflow.examples.tutorials.mnist.input_data as input_data",
    "from tensorflow.python.framework import ops; ops.reset_default_graph()",
    "import tensorflow.contrib.slim as slim; slim.conv2d",
    "from tensorflow.contrib import rnn; rnn.BasicLSTMCell",
    "from tensorflow.contrib.rnn import static_rnn",
    "from tensorflow.contrib.tensorboard.plugins import projector; projector.ProjectorConfig()",
    "from tensorflow.contrib import legacy_seq2seq; legacy_seq2seq.rnn_decoder",
    "from tensorflow.core.framework import summary_pb2; summary_pb2.Summary()",
    "from tensorflow.python.platform import gfile; gfile.Exists('x')",
    "from tensorflow.python.util import compat; compat.as_bytes('x')",
    "from tensorflow.python.framework import tensor_shape; tensor_shape.scalar()",
    "from tensorflow.python.training import moving_averages",
    "from tensorflow.keras.datasets import mnist",
    "import tensorflow.compat.v1.layers as layers; layers.dense",
    "import tensorflow as tf; tf.contrib.layers.xavier_initializer()",
    "import tensorflow as tf; tf.nn.rnn_cell.LSTMStateTuple(1, 2)",
]


@pytest.mark.parametrize("imports", MODULES)
def test_a_module_tree_named_tensorflow(tmp_path, imports):
    done = run(tmp_path, imports + "\nprint('there')")
    assert (done.stdout, done.returncode) == ("there\n", 0), done.stderr


def test_flags_and_main(tmp_path):
    code = """
import tensorflow as tf
flags = tf.app.flags
flags.DEFINE_integer("steps", 3, "how many")
def main(rest):
    print(flags.FLAGS.steps, rest[1:])
if __name__ == "__main__":
    tf.app.run()
"""
    done = run(tmp_path, code, "--steps=5", "more")
    assert (done.stdout, done.returncode) == ("5 ['more']\n", 0), done.stderr


MNIST = """
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data
mnist = input_data.read_data_sets("MNIST_data/", one_hot=True)
x, y = tf.placeholder("float", [None, 784]), tf.placeholder("float", [None, 10])
w = tf.Variable(tf.zeros([784, 10]))
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=tf.matmul(x, w), labels=y))
step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
right = tf.equal(tf.argmax(tf.matmul(x, w), 1), tf.argmax(y, 1))
with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(100):
        images, labels = mnist.train.next_batch(50)
        sess.run(step, feed_dict={x: images, y: labels})
    print("accuracy", sess.run(tf.reduce_mean(tf.cast(right, "float")),
                               {x: mnist.test.images, y: mnist.test.labels}))
"""


def test_a_folder_of_scripts(tmp_path):
    folder = tmp_path / "scripts"
    (folder / "several").mkdir(parents=True)
    (folder / "mnist.py").write_text(MNIST)
    (folder / "endless.py").write_text("print(1.5, flush=True)\nwhile True:\n    pass\n")
    (folder / "wrong.py").write_text("import tensorflow as tf\ntf.nn.rellu\n")
    (folder / "several" / "ENTRY").write_text("main.py\nWHO=first -\nWHO=second --flag 7\n")
    (folder / "several" / "main.py").write_text(
        "import os, sys\nif os.environ['WHO'] == 'first':\n    input()\nprint(sys.argv[1:])\n")
    table = tmp_path / "table.json"
    done = subprocess.run(
        [sys.executable, FOLDER / "scripts" / "run.py", folder, "--seconds", "30", "--json", table],
        text=True, capture_output=True, timeout=300, check=False)
    assert done.returncode == 1 and done.stderr == "", done.stderr
    rows = {row["script"]: row for row in json.loads(table.read_text())}
    assert {name: row["result"] for name, row in rows.items()} == {
        "mnist": "exit 0", "endless": "stopped", "wrong": "exit 1", "several": "exit 0"}
    assert rows["mnist"]["figure"] > 0.7 and rows["endless"]["figure"] == 1.5
    assert rows["several"]["figure"] == 7
    assert "tf.nn.rellu" in rows["wrong"]["error"]
    assert "3 of 4 ended with exit 0" in done.stdout


def test_numpy_on_the_left_positional_feeds_and_lists(tmp_path):
    code = """
import numpy as np
import tensorflow as tf
x = tf.placeholder("float", [None])
scaled = x / 255.
y = np.ones(2, np.float32) - scaled * np.float32(2)
total = tf.reduce_sum([scaled[0], scaled[1]])
with tf.Session() as sess:
    print(sess.run([y, total], {x: [255, 51]}))
    print(sess.run(y, {scaled: [0.5, 0.25]}), y.eval({x: [0, 255]}))
"""
    done = run(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert "1.2" in done.stdout and "[0.  0.5]" in done.stdout and "[ 1. -1.]" in done.stdout


def test_check_and_run_are_commands(tmp_path):
    (tmp_path / "script.py").write_text("import tensorflow as tf\nprint(tf.__version__)\n")
    assert command(tmp_path, "-m", "varscope", "check", "script.py").returncode == 0
    assert command(tmp_path, "-m", "varscope", "check").returncode == 2
    assert command(tmp_path, "-m", "varscope", "run", "script.py").stdout == "1.15.0\n"
