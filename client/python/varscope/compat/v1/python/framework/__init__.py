"""tensorflow.python.framework."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.python._borrowing import borrowing
from varscope.compat.v1.python.framework import tensor_shape

_HOMES = {
    "constant_op": "tf", "dtypes": "tf dtypes", "errors": "errors", "errors_impl": "errors",
    "function": "tf", "graph_io": "train", "graph_util": "graph_util",
    "graph_util_impl": "graph_util", "importer": "tf", "indexed_slices": "tf",
    "meta_graph": "train", "ops": "tf", "random_seed": "tf", "sparse_tensor": "tf",
    "tensor_util": "contrib.util", "versions": "tf"}

globals().update(borrowing(__name__, _HOMES))

__all__ = ["tensor_shape"]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
