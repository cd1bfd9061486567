// More functions of tensors that are numbers, under TensorFlow 1's names and with its defaults.
// What ops.h says of its functions is true of these.
#ifndef VARSCOPE_MATH_OPS_H_
#define VARSCOPE_MATH_OPS_H_

#include <cstdint>
#include <string>

#include "varscope/input.h"

namespace varscope {

// Functions of one operand, element by element. Floats only.

Output tan(const Input& x, const std::string& name = "");
Output asin(const Input& x, const std::string& name = "");
Output acos(const Input& x, const std::string& name = "");
Output atan(const Input& x, const std::string& name = "");
Output sinh(const Input& x, const std::string& name = "");
Output cosh(const Input& x, const std::string& name = "");
Output asinh(const Input& x, const std::string& name = "");
Output acosh(const Input& x, const std::string& name = "");
Output atanh(const Input& x, const std::string& name = "");
// The error function, and 1 minus it.
Output erf(const Input& x, const std::string& name = "");
Output erfc(const Input& x, const std::string& name = "");
// e^x - 1, exact near 0.
Output expm1(const Input& x, const std::string& name = "");
// log(|gamma(x)|), its derivative, and the derivatives of that. polygamma has whole numbers n of at
// least 1, TensorFlow tensors.
Output lgamma(const Input& x, const std::string& name = "");
Output digamma(const Input& x, const std::string& name = "");
Output polygamma(int n, const Input& x, const std::string& name = "");
// The smallest whole number that is not below x. No gradient.
Output ceil(const Input& x, const std::string& name = "");
// The nearest whole number; of two the even one. Numbers. No gradient.
Output round(const Input& x, const std::string& name = "");
// x / (1 + |x|).
Output softsign(const Input& x, const std::string& name = "");

// Of floats; the result is bool. No gradient.
Output is_nan(const Input& x, const std::string& name = "");
Output is_inf(const Input& x, const std::string& name = "");
Output is_finite(const Input& x, const std::string& name = "");

// Of bools, broadcast as NumPy does; the result is bool. No gradient.
Output logical_not(const Input& x, const std::string& name = "");
Output logical_and(const Input& x, const Input& y, const std::string& name = "");
Output logical_or(const Input& x, const Input& y, const std::string& name = "");
Output logical_xor(const Input& x, const Input& y, const std::string& name = "");

// The angle of the point (x, y). Floats only.
Output atan2(const Input& y, const Input& x, const std::string& name = "");
// What is left of x after floordiv(x, y) times y, which has the sign of y. Integers:
// InvalidArgumentError in a run when an element of y is 0, here and below.
Output floormod(const Input& x, const Input& y, const std::string& name = "");
// x / y, cut off towards 0. No gradient.
Output truncatediv(const Input& x, const Input& y, const std::string& name = "");

// Of square matrices, the last two dimensions of x. Floats only. InvalidArgumentError in a run for
// a matrix that has no inverse, or for cholesky one that is not positive definite.
Output matrix_inverse(const Input& x, const std::string& name = "");
Output matrix_determinant(const Input& x, const std::string& name = "");
// The lower triangle L whose product with its transpose is the matrix, of which it reads the lower
// triangle alone; the gradient is spread over both.
Output cholesky(const Input& x, const std::string& name = "");
// What matrix, or its transpose when adjoint, must be multiplied with to give rhs, [..., n, k].
Output matrix_solve(const Input& matrix, const Input& rhs, bool adjoint = false,
                    const std::string& name = "");

// Of matrices, the last two dimensions of x, of any dtype: the elements up to `lower` places below
// the diagonal and up to `upper` places above it, zeros elsewhere. Negative: all on that side.
// InvalidArgumentError in a run for more than there are rows, or columns.
Output matrix_band_part(const Input& x, int64_t lower, int64_t upper, const std::string& name = "");

// Matrices as products, of floats, as TensorFlow's: the last two dimensions of x. Each has a
// gradient where TensorFlow's has one; gradients() throws LookupError where it has none: that of
// qr's full matrices of more rows than columns, that of svd's full matrices whose rows and columns
// differ by more than one, and where it must know these numbers.

// The eigenvalues of symmetric matrices, [..., n], the smallest first, and the eigenvectors as
// columns. The lower triangle alone is read. InvalidArgumentError in a run when none are found.
struct EigenPairs {
  Output values;
  Output vectors;
};
EigenPairs self_adjoint_eig(const Input& x, const std::string& name = "");
Output self_adjoint_eigvals(const Input& x, const std::string& name = "");
// x = u diag(s) v^T, the largest s first. u: [..., rows, k], v: [..., columns, k], where k is the
// smaller of both numbers; square when full_matrices.
struct SingularValues {
  Output s;
  Output u;
  Output v;
};
SingularValues svd(const Input& x, bool full_matrices = false, const std::string& name = "");
Output singular_values(const Input& x, const std::string& name = "");
// x = q r, q orthogonal, r upper triangular: [..., rows, k] and [..., k, columns]; k is the number
// of rows when full_matrices.
struct OrthogonalTriangular {
  Output q;
  Output r;
};
OrthogonalTriangular qr(const Input& x, bool full_matrices = false, const std::string& name = "");

}  // namespace varscope

#endif  // VARSCOPE_MATH_OPS_H_
