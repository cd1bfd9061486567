"""tf.test: a test case with sessions."""

from __future__ import annotations

import contextlib
import os
import tempfile
import unittest
from collections.abc import Iterator
from typing import Any

import numpy as np

from varscope import graphs
from varscope.session import Session

main = unittest.main


def is_built_with_cuda() -> bool:
    """Returns False."""
    return False


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Returns False."""
    return False


def gpu_device_name() -> str:
    """Returns ''."""
    return ""


class TestCase(unittest.TestCase):
    """A test case: each test has a new default graph."""

    def setUp(self) -> None:
        super().setUp()
        graphs.reset_default_graph()

    def get_temp_dir(self) -> str:
        """Returns a folder of the test's own."""
        if not hasattr(self, "_folder"):
            self._folder = tempfile.mkdtemp()
        return os.fspath(self._folder)

    @contextlib.contextmanager
    def test_session(self, graph: Any = None, config: Any = None,
                     use_gpu: bool = False) -> Iterator[Session]:
        """A session for a `with` block."""
        with Session(graph=graph, config=config) as session:
            yield session

    session = cached_session = test_session

    def evaluate(self, tensors: Any) -> Any:
        """Returns the values in the default session."""
        from varscope.session import session_for
        return session_for("evaluate()", None).run(tensors)

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6) -> None:
        np.testing.assert_allclose(a, b, rtol, atol)

    def assertAllEqual(self, a: Any, b: Any) -> None:
        np.testing.assert_array_equal(a, b)
