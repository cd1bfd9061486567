"""tf.sparse: tensors most of whose elements are zero."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.sparse import SparseTensor, from_dense
from varscope.sparse import sparse_placeholder as placeholder
from varscope.sparse import sparse_reduce_sum as reduce_sum
from varscope.sparse import sparse_retain as retain
from varscope.sparse import sparse_tensor_dense_matmul as matmul
from varscope.sparse import sparse_tensor_dense_matmul as sparse_dense_matmul
from varscope.sparse import sparse_tensor_to_dense as to_dense

__all__ = [
    "SparseTensor", "from_dense", "matmul", "placeholder", "reduce_sum", "retain",
    "sparse_dense_matmul", "to_dense"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
