"""tf.app.run: reads the flags and calls the program's main."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from varscope import flags


def run(main: Callable[[list[str]], Any] | None = None,
        argv: Sequence[str] | None = None) -> NoReturn:
    """Calls main, of the program itself if it is None, with what is no flag, and exits with what it
    returns."""
    main = main or sys.modules["__main__"].main
    sys.exit(main(flags.FLAGS(sys.argv if argv is None else argv, known_only=True)))
