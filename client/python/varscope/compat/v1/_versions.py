"""What programs of TensorFlow 2 say to get TensorFlow 1's graphs, which varscope always has."""

from __future__ import annotations

# The TensorFlow whose words these are; programs print it, or compare it.
VERSION = __version__ = "1.15.0"


def disable_v2_behavior() -> None:
    """Does nothing."""


def disable_eager_execution() -> None:
    """Does nothing."""


def enable_resource_variables() -> None:
    """Does nothing: every variable is the store's."""


def disable_resource_variables() -> None:
    """Does nothing: every variable is the store's."""


def executing_eagerly() -> bool:
    """Returns False."""
    return False
