"""What uses a connection is neither copied nor pickled: it belongs to the process that connected."""

from __future__ import annotations

import copyreg
from typing import Any, NoReturn

from varscope import _core


class OfOneProcess:
    """The base of classes whose objects use a connection."""

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        _refuse(self)


def _refuse(thing: Any) -> NoReturn:
    raise TypeError(f"a {type(thing).__name__} cannot be copied or pickled: it uses this process's "
                    "connection; another process connects by itself, with varscope.connect(target)")


for _kind in (_core.Graph, _core.Operation, _core.Saver, _core.Session, _core.Tensor, _core.Variable):
    copyreg.pickle(_kind, _refuse)
