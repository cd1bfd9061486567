"""The article's five programs, as printed, against a private server and a shared one, and those
that share split over two processes."""

import re

import pytest

from conftest import PROGRAMS, run_program

# Runs a program's file, then shows its variables by their names in the program.
SHOW = """
import runpy, sys
names = sys.argv[2:]
program = runpy.run_path(sys.argv[1])
import varscope.compat.v1 as tf
with tf.Session() as sess:
    for name in names:
        print(program[name].name, sess.run(program[name]))
"""


def show(program, *names, target=None):
    done = run_program(SHOW, PROGRAMS / program, *names, target=target)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=["private", "shared"])
def target(request):
    return None if request.param == "private" else request.getfixturevalue("server")


def test_name_scope_does_not_reach_get_variable(target):
    printed = show("article_1.py", target=target)
    assert re.fullmatch(r"var1:0 \[-?[0-9.e-]+\]\n"
                        r"name_scope_x/var2:0 \[2\.\]\n"
                        r"name_scope_x/var2_1:0 \[2\.\]\n", printed)


def test_a_name_twice_is_an_error_that_shows_the_first_line(target):
    done = run_program(SHOW, PROGRAMS / "article_2.py", target=target)
    assert done.returncode == 1
    text = done.stderr[done.stderr.index("ValueError: "):]
    assert text.startswith(
        "ValueError: Variable var1 already exists, disallowed. Did you mean to set reuse=True or "
        "reuse=tf.AUTO_REUSE in VarScope? Originally defined at:\n")
    first = f'File "{PROGRAMS / "article_2.py"}", line 4\n'
    source = "var1 = tf.get_variable(name='var1', shape=[1], dtype=tf.float32)\n"
    again = f'File "{PROGRAMS / "article_2.py"}", line 5\n'
    assert re.search(re.escape(first) + r" +" + re.escape(source), text)
    assert text.index(first) < text.index("asked for again") < text.index(again)


def test_reuse_variables_shares(target):
    lines = show("article_3.py", "var1", "var1_reuse", "var2", "var2_reuse",
                 target=target).splitlines()
    assert lines[0] == lines[1]
    assert re.fullmatch(r"variable_scope_y/var1:0 \[-?[0-9.e-]+\]", lines[0])
    assert lines[2:] == ["variable_scope_y/var2:0 [2.]", "variable_scope_y/var2_1:0 [2.]"]


def test_names_and_captured_scopes_share(target):
    lines = show("article_4.py", "v", "v1", target=target).splitlines()
    assert lines[0] == lines[1] and lines[0].startswith("foo/v:0 [")


def test_both_scopes_at_once(target):
    assert show("article_5.py", target=target) == ""


@pytest.mark.parametrize("program, second, name, again", [
    ("article_3.py", "shared_3.py", "var1", "var1_reuse"),
    ("article_4.py", "shared_4.py", "v", "v1"),
])
def test_two_processes_share(server, program, second, name, again):
    first = show(program, name, target=server)
    assert show(second, again, target=server) == first


def test_a_second_process_that_does_not_share_is_told_who_made_it(server):
    show("article_1.py", target=server)
    done = run_program(SHOW, PROGRAMS / "article_1.py", target=server)
    assert done.returncode == 1
    text = done.stderr[done.stderr.index("ValueError: "):]
    assert text.startswith("ValueError: Variable var1 already exists, disallowed.")
    assert f'File "{PROGRAMS / "article_1.py"}", line 4' in text
    assert "var1 = tf.get_variable(name='var1', shape=[1], dtype=tf.float32)" in text


def test_copies_of_one_program_share_in_replicated_mode(server):
    show_all = [run_program(SHOW, PROGRAMS / "article_1.py", target=server,
                            VARSCOPE_SHARING="replicated") for _ in range(2)]
    assert [done.returncode for done in show_all] == [0, 0], show_all[1].stderr
    assert show_all[0].stdout == show_all[1].stdout
