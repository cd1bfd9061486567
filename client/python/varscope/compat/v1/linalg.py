"""tf.linalg."""

from typing import TYPE_CHECKING

from varscope._core import cholesky
from varscope._core import matrix_band_part as band_part
from varscope._core import matrix_determinant as det
from varscope._core import matrix_inverse as inv
from varscope._core import matrix_solve as solve
from varscope._core import self_adjoint_eig as eigh
from varscope._core import self_adjoint_eigvals as eigvalsh
from varscope.counting import cross, tensordot
from varscope._core import global_norm
from varscope.compat.v1.nn import l2_normalize
from varscope.joining import diag_part as tensor_diag_part
from varscope.matrices import diag as tensor_diag
from varscope.batched import matvec
from varscope.matrices import eye, logdet, norm, trace
from varscope.products import einsum, matmul
from varscope.matrices import matrix_diag as diag
from varscope.matrices import matrix_diag_part as diag_part
from varscope.factorizations import qr, svd
from varscope.triangles import cholesky_solve
from varscope.triangles import matrix_set_diag as set_diag
from varscope.triangles import matrix_solve_ls as lstsq
from varscope.triangles import matrix_triangular_solve as triangular_solve
from varscope.moving import matrix_transpose
from varscope.moving import matrix_transpose as adjoint
from varscope.moving import matrix_transpose as transpose
from varscope.linear_operators import (LinearOperator, LinearOperatorDiag, LinearOperatorFullMatrix,
                                       LinearOperatorLowerTriangular)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "LinearOperator", "LinearOperatorDiag", "LinearOperatorFullMatrix",
    "LinearOperatorLowerTriangular", "adjoint", "band_part", "cholesky", "cholesky_solve", "cross",
    "det", "diag", "diag_part", "eigh", "eigvalsh", "einsum", "eye", "global_norm", "inv",
    "l2_normalize", "logdet", "lstsq", "matmul", "matrix_transpose", "matvec", "norm", "qr",
    "set_diag", "solve", "svd", "tensor_diag", "tensor_diag_part", "tensordot", "trace",
    "transpose", "triangular_solve"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
