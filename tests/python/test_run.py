"""python -m varscope run: scripts that say `import tensorflow`, as Python runs them."""

import os
import subprocess
import sys

import pytest

from conftest import PROGRAMS

AS_TENSORFLOW = ["import tensorflow as tf", "import tensorflow.compat.v1 as tf",
                 "from tensorflow.compat import v1 as tf", "import tensorflow; tf = tensorflow",
                 "import tensorflow as tf2; tf = tf2.compat.v1"]


def run(folder, code, *arguments, flags=(), run_flags=(), **environment):
    """Runs a script in its folder; without `run`'s words as Python itself."""
    (folder / "script.py").write_text(code)
    return command(folder, *flags, "-m", "varscope", "run", *run_flags, "script.py", *arguments,
                   **environment)


def command(folder, *arguments, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("VARSCOPE_")}
    return subprocess.run([sys.executable, *arguments], text=True, capture_output=True, timeout=120,
                          check=False, cwd=folder, env=clean | environment)


PROGRAM = """
with tf.variable_scope("model"):
    w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
tf.disable_v2_behavior()
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(w.assign_add([1.0, 2.0]))
    print(w.name, sess.run(w))
"""


@pytest.mark.parametrize("imports", AS_TENSORFLOW)
def test_tensorflow_is_varscope(tmp_path, imports):
    done = run(tmp_path, imports + PROGRAM)
    assert (done.stdout, done.returncode) == ("model/w:0 [1. 2.]\n", 0), done.stderr


@pytest.mark.parametrize("imports", [
    "from tensorflow import nn", "import tensorflow.nn as nn", "from tensorflow.compat.v1 import nn",
    "import tensorflow.compat.v1.nn as nn", "import tensorflow.nn; nn = tensorflow.nn"])
def test_modules_inside_are_varscopes(tmp_path, imports):
    done = run(tmp_path, imports + "\nimport varscope.compat.v1\n"
               "assert nn is varscope.compat.v1.nn\nprint(nn.__name__)")
    assert (done.stdout, done.returncode) == ("varscope.compat.v1.nn\n", 0), done.stderr


def test_all_of_it_at_once(tmp_path):
    done = run(tmp_path, "from tensorflow.compat.v1 import *\n"
               "with Session() as sess:\n    print(sess.run(constant(2.0) * 3))")
    assert (done.stdout, done.returncode) == ("6.0\n", 0), done.stderr


def test_varscope_target_shares(tmp_path, server):
    done = [run(tmp_path, AS_TENSORFLOW[0] + PROGRAM, VARSCOPE_TARGET=server,
                VARSCOPE_SHARING="replicated") for _ in range(2)]
    assert [one.stdout for one in done] == ["model/w:0 [1. 2.]\n", "model/w:0 [2. 4.]\n"], done


@pytest.mark.parametrize("code, symbol, nearest", [
    ("tf.plaecholder(tf.float32)", "plaecholder", "placeholder"),
    ("x = (1 +\n     tf.nn.rellu(tf.zeros([1])))", "nn.rellu", "nn.relu"),
    ("tf.compat.v1.train.AdamOptimiser(0.1)", "train.AdamOptimiser", "train.AdamOptimizer"),
    ("tf.initialisers.zeros_initializer()", "initialisers.zeros_initializer", "zeros_initializer"),
    ("from tensorflow import plaecholder", "plaecholder", "placeholder"),
    ("from tensorflow.nn import rellu", "nn.rellu", "nn.relu"),
    ("import tensorflow.trian", "trian", "train"),
    ("import tensorflow.compat.v1.trian", "trian", "train"),
    ("tf.zeros([1]).evall()", "Tensor.evall", "Tensor.eval"),
    ("tf.Session.rum", "Session.rum", "Session.run"),
    ("tf.train.AdamOptimizer().minimise(1)", "train.AdamOptimizer.minimise",
     "train.AdamOptimizer.minimize"),
    ("tf.GraphKeys.UPDATE_OPPS", "GraphKeys.UPDATE_OPPS", "GraphKeys.UPDATE_OPS"),
])
def test_what_is_missing_is_one_line(tmp_path, code, symbol, nearest):
    done = run(tmp_path, f"import tensorflow as tf\n\n{code}\n")
    line = 3 + code.count("\n")
    found = done.stderr.splitlines()
    assert len(found) == 1 and done.returncode == 1, done.stderr
    assert found[0].startswith(f"{tmp_path}/script.py:{line}: varscope has no tf.{symbol}; the nearest that it "
                               "has is tf."), found[0]
    assert found[0].split(" is tf.")[1].startswith(nearest), found[0]


@pytest.mark.parametrize("code, said", [
    ("tf.get_variable('v', [1], synchronisation=1)",
     "varscope has no argument 'synchronisation' of tf.get_variable"),
    ("tf.train.AdamOptimizer(lr=1)", "varscope has no argument 'lr' of tf.train.AdamOptimizer"),
    ("tf.gather(tf.zeros([1, 2]), [0], batch_dims=1)",
     "gather: varscope has no 'batch_dims'"),
])
def test_an_argument_that_is_missing_is_one_line(tmp_path, code, said):
    done = run(tmp_path, f"import tensorflow as tf\n{code}\n")
    assert (done.stderr, done.returncode) == (f"{tmp_path}/script.py:2: {said}\n", 1)


def test_a_module_that_the_script_imports_is_named(tmp_path):
    (tmp_path / "model.py").write_text("import tensorflow as tf\ndef build():\n    tf.reluu(1)\n")
    done = run(tmp_path, "import model\nmodel.build()\n")
    assert done.stderr.startswith(f"{tmp_path}/model.py:3: varscope has no tf.reluu;"), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_script_may_ask_whether_something_is_there(tmp_path):
    done = run(tmp_path, """
import tensorflow as tf
print(hasattr(tf, "plaecholder"))
try:
    from tensorflow.kontrib import slim
except ImportError as error:
    print(type(error).__name__)
try:
    tf.kontrib
except AttributeError as error:
    print(type(error).__name__)
""")
    assert done.stdout == "False\nModuleNotFoundError\nAttributeError\n", done.stderr
    assert done.returncode == 0


AS_PYTHON = {
    "arguments": "import sys\nprint(sys.argv, __name__, __file__, sys.path[0])",
    "exit": "import sys\nsys.exit(7)",
    "exit text": "import sys\nsys.exit('no')",
    "traceback": "def f():\n    return {}['x']\n\nf()",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e",
    "its own attribute": "class A: pass\nA().nothing",
    "its own argument": "def get_variable(): pass\nget_variable(nothing=1)",
    "its own import": "import nothing_of_this_name",
    "not implemented": "raise NotImplementedError('mine')",
    "syntax": "x = (\nprint(1)",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "interrupted": "raise KeyboardInterrupt",
    "stdin": "print(input())",
}


@pytest.mark.parametrize("name", AS_PYTHON)
@pytest.mark.parametrize("imports", ["", "import tensorflow as tf; "])
def test_the_rest_is_as_python_has_it(tmp_path, name, imports):
    code = AS_PYTHON[name]
    done = run(tmp_path, imports + code, "--flag", "a b")
    # The same columns with a module that Python itself has.
    (tmp_path / "script.py").write_text(imports.replace("tensorflow", "statistics") + code)
    plain = command(tmp_path, "script.py", "--flag", "a b")
    seen = done.stderr.replace("import tensorflow", "import statistics")
    assert (done.stdout, seen, done.returncode) == (plain.stdout, plain.stderr, plain.returncode)


DIVERGES = """import tensorflow as tf
x = tf.Variable(1.0)
step = tf.train.GradientDescentOptimizer(1.0).minimize(tf.log(x * 0.0))
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(step)
    print(sess.run(x))
"""


def test_a_script_alone_may_become_nan(tmp_path):
    done = run(tmp_path, DIVERGES)
    assert (done.returncode, done.stdout) == (0, "nan\n"), done.stderr


def test_a_script_that_shares_may_not(tmp_path, server):
    done = run(tmp_path, DIVERGES, VARSCOPE_TARGET=server)
    assert done.returncode == 1 and "nothing was applied" in done.stderr


def test_flags_of_python_stay(tmp_path):
    code = "import sys\nassert False\nprint(sys.flags.utf8_mode, sys.flags.dont_write_bytecode)"
    done = run(tmp_path, code, flags=["-X", "utf8", "-OB"])
    assert done.stdout == "1 True\n" or done.stdout == "1 1\n", done.stderr


def test_modules_and_code_run_too(tmp_path):
    (tmp_path / "module.py").write_text("import tensorflow as tf\nprint(__name__, tf.float32)")
    for arguments in (["-m", "module"], ["-c", "import module"]):
        done = command(tmp_path, "-m", "varscope", "run", *arguments)
        assert done.stdout.endswith("<dtype: 'float32'>\n") and done.returncode == 0, done.stderr


def test_processes_of_a_script_have_tensorflow(tmp_path):
    done = run(tmp_path, """
import multiprocessing
import tensorflow as tf

def work(number):
    with tf.Graph().as_default(), tf.Session() as sess:
        return float(sess.run(tf.constant(2.0) * number))

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(work, [1, 2]))
""")
    assert done.stdout == "[2.0, 4.0]\n", done.stderr


@pytest.mark.parametrize("arguments, code", [
    ([], 2), (["run"], 2), (["walk", "script.py"], 2), (["--help"], 0), (["run", "absent.py"], 2)])
def test_wrong_commands(tmp_path, arguments, code):
    done = command(tmp_path, "-m", "varscope", *arguments)
    assert done.returncode == code
    assert ("usage" in done.stdout + done.stderr) == (arguments != ["run", "absent.py"])


def test_an_environment_that_is_ignored_is_refused(tmp_path):
    done = run(tmp_path, "print(1)", flags=["-E"])
    assert done.returncode == 1 and done.stderr.startswith("varscope: `run` needs"), done.stderr


@pytest.mark.parametrize("number", [1, 3, 4, 5])
def test_the_articles_programs(tmp_path, number):
    """As somebody has them who writes for TensorFlow."""
    code = (PROGRAMS / f"article_{number}.py").read_text()
    assert code.startswith("import varscope.compat.v1 as tf\n")
    code = code.replace("varscope.compat.v1", "tensorflow", 1)
    done = run(tmp_path, code)
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == (["var1:0", "name_scope_x/var2:0", "name_scope_x/var2_1:0"]
                     if number == 1 else [])


def test_the_articles_error(tmp_path, server):
    code = (PROGRAMS / "article_2.py").read_text().replace("varscope.compat.v1", "tensorflow", 1)
    for environment in ({}, {"VARSCOPE_TARGET": server}):
        done = run(tmp_path, code, **environment)
        assert done.returncode == 1
        assert "\nValueError: Variable var1 already exists, disallowed." in done.stderr
        assert f'File "{tmp_path}/script.py", line 4\n' in done.stderr


def test_an_argument_that_another_package_does_not_have(tmp_path):
    done = run(tmp_path, "import numpy as np, tensorflow as tf\nnp.reshape([1], none_such=1)\n")
    assert "varscope has no" not in done.stderr and "none_such" in done.stderr.splitlines()[-1]
