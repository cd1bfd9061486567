"""tf.contrib.linalg."""

from typing import TYPE_CHECKING

from varscope.linear_operators import (LinearOperator, LinearOperatorDiag, LinearOperatorFullMatrix,
                                       LinearOperatorLowerTriangular)
from varscope.compat.v1._missing import missing_of

LinearOperatorMatrix = LinearOperatorFullMatrix
LinearOperatorTriL = LinearOperatorLowerTriangular

__all__ = [
    "LinearOperator", "LinearOperatorDiag", "LinearOperatorFullMatrix",
    "LinearOperatorLowerTriangular", "LinearOperatorMatrix", "LinearOperatorTriL"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
