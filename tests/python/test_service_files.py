"""The files that start a server as a service: what they set is what varscoped knows."""

import pathlib
import re
import subprocess

import pytest

from varscope.programs import path_of

DOCKER = pathlib.Path(__file__).parents[2] / "docker"
UNIT = (DOCKER / "varscoped.service").read_text()


@pytest.fixture(scope="module")
def help_text():
    return subprocess.run([path_of("varscoped"), "--help"], text=True, capture_output=True,
                          check=True).stdout


def test_the_unit_sets_what_the_server_reads(help_text):
    names = set(re.findall(r"VARSCOPE_[A-Z_]+", UNIT))
    assert {"VARSCOPE_DATA_DIR", "VARSCOPE_LISTEN"} <= names
    assert names <= set(re.findall(r"Env:(VARSCOPE_[A-Z_]+)", help_text))


def test_the_unit_does_not_start_again_what_would_end_the_same(help_text):
    codes = re.search(r"RestartPreventExitStatus=(.*)", UNIT).group(1).split()
    assert codes == ["2", "3"]
    assert "2 wrong flag" in help_text and "3 the data directory cannot be used" in help_text


def test_a_stop_has_time_for_a_snapshot(help_text):
    grace = int(re.search(r"--grace-seconds INT:.*=(\d+)", help_text).group(1))
    minutes = re.search(r"TimeoutStopSec=(\d+)min", UNIT).group(1)
    assert int(minutes) * 60 > 2 * grace
    for compose in DOCKER.glob("compose.*.yml"):
        of_compose = re.search(r"stop_grace_period: (\d+)m", compose.read_text())
        assert of_compose and int(of_compose.group(1)) * 60 > 2 * grace, compose
