"""The README's programs, as printed."""

import pathlib
import re

import pytest

import varscope
from conftest import run_file, run_program

README = (pathlib.Path(__file__).parents[2] / "client" / "python" / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```\n(?:\n```\n(.*?)```\n)?", README, re.S)


def needs(code):
    """Skips a program whose framework is not installed."""
    for framework in ("jax", "torch"):
        if f"import {framework}\n" in code:
            pytest.importorskip(framework)


def test_there_are_five():
    assert len(PROGRAMS) == 5
    assert all(len(code.splitlines()) <= 15 for code, _ in PROGRAMS)
    assert all(printed for _, printed in PROGRAMS)


@pytest.mark.parametrize("number", range(5))
def test_a_program_prints_what_the_readme_says(number, tmp_path):
    code, printed = PROGRAMS[number]
    needs(code)
    done = run_file(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed


def test_the_version_is_the_librarys():
    done = run_program("from varscope.programs import path_of\nimport subprocess\n"
                       "print(subprocess.check_output([path_of('varscopectl'), '--version'], "
                       "text=True), end='')")
    assert done.stdout.split()[-1] == varscope.__version__
