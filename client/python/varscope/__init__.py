"""varscope: a parameter server whose variables are shared by name.

    import varscope
    store = varscope.connect()
    w = store.get_variable("model/w", [3])
    store.push({w: store.pull(w) - 1}, optimizer=0.5)

`varscope.compat.v1` is the whole of it in TensorFlow 1's own words.
"""

from __future__ import annotations

import pathlib

from varscope import _core

# Lines of these files are no lines of a program.
_core.set_package_folder(str(pathlib.Path(__file__).parent))

from varscope import errors, graphs, indexing, initializers, ops  # noqa: E402 (add to classes)
from varscope import optimizers as train  # noqa: E402
from varscope._core import ConnectOptions, Variable  # noqa: E402
from varscope.scopes import AUTO_REUSE  # noqa: E402
from varscope.slices import IndexedSlices  # noqa: E402
from varscope.store import ListedVariable, Store, connect  # noqa: E402

__version__ = "0.1.0"
__all__ = [
    "AUTO_REUSE", "ConnectOptions", "IndexedSlices", "ListedVariable", "Store", "Variable",
    "connect", "errors", "initializers", "train"
]
