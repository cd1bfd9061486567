"""tf.linalg."""

from typing import TYPE_CHECKING

from varscope._core import cholesky
from varscope._core import matrix_determinant as det
from varscope._core import matrix_inverse as inv
from varscope._core import matrix_solve as solve
from varscope.counting import cross, tensordot
from varscope.matrices import eye, norm, trace
from varscope.products import einsum, matmul
from varscope.matrices import matrix_band_part as band_part
from varscope.matrices import matrix_diag as diag
from varscope.matrices import matrix_diag_part as diag_part
from varscope.compat.v1._missing import missing_of

__all__ = [
    "band_part", "cholesky", "cross", "det", "diag", "diag_part", "einsum", "eye", "inv", "matmul",
    "norm", "solve", "tensordot", "trace"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
