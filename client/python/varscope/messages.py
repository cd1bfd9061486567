"""tf.logging: lines on standard error, by level."""

from __future__ import annotations

import logging
import sys
from typing import Any

DEBUG, INFO, WARN, ERROR, FATAL = (
    logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)

_logger = logging.getLogger("tensorflow")


def _handled() -> logging.Logger:
    if not _logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
        _logger.addHandler(handler)
        _logger.propagate = False
        _logger.setLevel(_logger.level or WARN)
    return _logger


def set_verbosity(v: int | str) -> None:
    """Shows messages of this level and of higher ones."""
    _handled().setLevel(v)


def get_verbosity() -> int:
    return _handled().getEffectiveLevel()


def debug(msg: Any, *args: Any) -> None:
    _handled().debug(msg, *args)


def info(msg: Any, *args: Any) -> None:
    _handled().info(msg, *args)


def warning(msg: Any, *args: Any) -> None:
    _handled().warning(msg, *args)


def error(msg: Any, *args: Any) -> None:
    _handled().error(msg, *args)


def fatal(msg: Any, *args: Any) -> None:
    _handled().critical(msg, *args)


def log(level: int, msg: Any, *args: Any) -> None:
    _handled().log(level, msg, *args)
