"""tf.logging."""

from typing import TYPE_CHECKING

from varscope.messages import (DEBUG, ERROR, FATAL, INFO, WARN, debug, error, fatal, get_verbosity,
                               info, log, set_verbosity, warning)
from varscope.compat.v1._missing import missing_of

warn = warning

__all__ = [
    "DEBUG", "ERROR", "FATAL", "INFO", "WARN", "debug", "error", "fatal", "get_verbosity",
    "info", "log", "set_verbosity", "warn", "warning"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
