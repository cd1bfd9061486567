"""The types of everything public, as a type checker sees them in an installed package."""

import importlib
import inspect
import re
import subprocess
import sys

import pytest

import stubs
import varscope
import varscope.compat.v1 as tf
from conftest import PROGRAMS
from test_readme import PROGRAMS as README_PROGRAMS, needs
from varscope.compat.v1._missing import symbols

MODULES = {"varscope": varscope, "tf": tf, "tf.nn": tf.nn, "tf.math": tf.math,
           "tf.train": tf.train, "tf.random": tf.random, "tf.initializers": tf.initializers,
           "tf.compat": tf.compat}


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """What the checker has read once."""
    return tmp_path_factory.mktemp("mypy")


def check(cache, code):
    """What mypy says of a program: its lines, without the file."""
    program = cache / "program.py"
    program.write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--check-untyped-defs", "--no-implicit-reexport",
         "--no-error-summary", "--no-color-output", "--show-error-codes", "--config-file=",
         "--cache-dir", cache / "cache", program], capture_output=True, text=True, check=False,
        cwd=cache)
    assert done.returncode in (0, 1) and done.stderr == "", done.stderr + done.stdout
    return [line.partition("program.py:")[2] for line in done.stdout.splitlines()
            if not line.startswith("Success")]


@pytest.mark.parametrize("file", ["__init__.pyi", "nn.pyi"])
def test_the_stubs_are_the_extensions(file):
    assert (stubs.FOLDER / file).read_text() == stubs.stubs()[file], (
        "python tests/python/stubs.py writes the stubs anew")


@pytest.mark.parametrize("number", range(5))
def test_the_readmes_programs(cache, number):
    needs(README_PROGRAMS[number][0])
    assert check(cache, README_PROGRAMS[number][0]) == []


@pytest.mark.parametrize("program", sorted(path.name for path in PROGRAMS.glob("*.py")))
def test_other_programs(cache, program):
    code = (PROGRAMS / program).read_text().replace(
        "import tensorflow as tf", "import varscope.compat.v1 as tf")
    # numpy's own types are not what this is about.
    assert check(cache, code) == []


@pytest.mark.parametrize("name", MODULES)
def test_all_names_are_those_that_a_module_says(name):
    module = MODULES[name]
    public = {key for key, value in vars(module).items()
              if not key.startswith("_") and not _is_none_of_its_words(module, key, value)}
    assert set(module.__all__) <= set(vars(module))
    assert public - set(module.__all__) == set()


# What modules import for themselves.
OWN = {"varscope": {"pathlib"}, "tf": {"rnn_cell"}, "tf.nn": {"name_scope"},
       "tf.train": {"GraphKeys", "get_collection", "Variable", "BaseSession"}}


def _is_none_of_its_words(module, key, value):
    name = next(name for name, of in MODULES.items() if of is module)
    if name == "varscope" and inspect.ismodule(value):
        return True
    return (key in ("annotations", "TYPE_CHECKING", "Any", "missing_of")
            or key in OWN.get(name, ()))


def test_every_public_name_has_a_type(cache):
    expressions = [f"tf.{name}" for name, _ in symbols()]
    expressions += [f"varscope.{name}" for name in varscope.__all__]
    for name, value in [*symbols(), *((n, getattr(varscope, n)) for n in varscope.__all__)]:
        if inspect.isclass(value) and value.__module__.startswith("varscope"):
            owner = f"tf.{name}" if hasattr(tf, name.split(".")[0]) else f"varscope.{name}"
            expressions += [f"{owner}.{member}" for member, of in vars(value).items()
                            if not member.startswith("_") and callable(of)]
    code = "import varscope\nimport varscope.compat.v1 as tf\n"
    said = check(cache, code + "".join(f"reveal_type({x})\n" for x in expressions))
    types = {}
    for line in said:
        number, _, text = line.partition(": ")
        if "Revealed type is" in text:
            types[expressions[int(number.split(":")[0]) - 3]] = text.split('"')[1]
        else:
            assert text.startswith("note: "), f"{line}: {expressions[int(number) - 3]}"
    assert set(types) == set(expressions) and len(types) > 250
    assert [x for x, seen in types.items() if seen == "Any"] == []
    # A function without annotations is all Any.
    untyped = [x for x, seen in types.items()
               if re.fullmatch(r"def \((\*?\*?\w+( =)?(, )?)*\)( -> Any)?", seen)
               and not seen.startswith("def ()")]
    assert untyped == []


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_every_public_name_of_a_framework_has_a_type(cache, framework):
    pytest.importorskip(framework)
    module = importlib.import_module(f"varscope.{framework}")
    names = [name for name in module.__all__] + [
        f"{name}.{member}" for name in module.__all__ if inspect.isclass(getattr(module, name))
        for member, of in vars(getattr(module, name)).items()
        if not member.startswith("_") and callable(of)]
    said = check(cache, f"import varscope.{framework}\n" + "".join(
        f"reveal_type(varscope.{framework}.{name})\n" for name in names))
    assert len(said) == len(names) > 10
    assert all("Revealed type is" in line and "Revealed type is \"Any\"" not in line for line in said)


@pytest.mark.parametrize("line, code", [
    ("tf.plaecholder(tf.float32)", "attr-defined"), ("tf.nn.rellu(1)", "attr-defined"),
    ("tf.get_variable(3)", "arg-type"), ("tf.get_variable('v', shap=[1])", "call-arg"),
    ("tf.zeros([1]).evall()", "attr-defined"), ("varscope.connect(5)", "arg-type"),
    ("varscope.connect().pull()", "call-arg"), ("tf.Session().rum(1)", "attr-defined"),
    ("tf.train.AdamOptimizer(use_locking='yes')", "arg-type"),
    ("tf.get_variable('v').shape.aslist()", "attr-defined"),
    ("tf.global_variables()[0].nam", "attr-defined")])
def test_mistakes_are_seen(cache, line, code):
    said = check(cache, f"import varscope\nimport varscope.compat.v1 as tf\n{line}\n")
    assert any(text.startswith("3: error: ") and f"[{code}]" in text for text in said), said


@pytest.mark.parametrize("expression, seen", [
    ("tf.zeros([1]) + 1", "Tensor"), ("2.0 * tf.get_variable('v')", "Tensor"),
    ("-tf.get_variable('v')", "Tensor"), ("tf.zeros([3])[1:]", "Tensor"),
    ("tf.get_variable('v')", "Variable"), ("tf.global_variables()", "list[varscope._core.Variable]"),
    ("tf.zeros([1]).shape", "TensorShape"), ("tf.zeros([1]).name", "str"),
    ("tf.get_default_graph().get_operations()", "list[varscope._core.Operation]"),
    ("tf.assign(tf.get_variable('v'), [1.0])", "Tensor"), ("tf.float32", "DType"),
    ("varscope.connect().global_step", "int"), ("tf.train.Saver().last_checkpoints", "list["),
    ("varscope.connect().list()", "ListedVariable")])
def test_types_of_expressions(cache, expression, seen):
    said = check(cache, "import varscope\nimport varscope.compat.v1 as tf\n"
                 f"reveal_type({expression})\n")
    assert len(said) == 1 and seen in said[0], said
