// varscope/math_ops.h, under TensorFlow's names of functions and arguments.
#include "client/python/src/op_table.h"
#include "varscope/math_ops.h"

namespace varscope::python {

void AddFunctions(nb::module_& m) {
  Unary(m, "tan", "x", varscope::tan);
  Unary(m, "asin", "x", varscope::asin);
  Unary(m, "acos", "x", varscope::acos);
  Unary(m, "atan", "x", varscope::atan);
  Unary(m, "sinh", "x", varscope::sinh);
  Unary(m, "cosh", "x", varscope::cosh);
  Unary(m, "asinh", "x", varscope::asinh);
  Unary(m, "acosh", "x", varscope::acosh);
  Unary(m, "atanh", "x", varscope::atanh);
  Unary(m, "erf", "x", varscope::erf);
  Unary(m, "erfc", "x", varscope::erfc);
  Unary(m, "expm1", "x", varscope::expm1);
  Unary(m, "lgamma", "x", varscope::lgamma);
  Unary(m, "digamma", "x", digamma);
  Unary(m, "ceil", "x", varscope::ceil);
  Unary(m, "matrix_inverse", "input", varscope::matrix_inverse);
  Unary(m, "matrix_determinant", "input", varscope::matrix_determinant);
  Unary(m, "cholesky", "input", varscope::cholesky);
  Unary(m, "round", "x", varscope::round);
  Unary(m, "softsign", "features", softsign);
  Unary(m, "is_nan", "x", is_nan);
  Unary(m, "is_inf", "x", is_inf);
  Unary(m, "is_finite", "x", is_finite);
  Unary(m, "logical_not", "x", logical_not);
  Binary(m, "logical_and", logical_and);
  Binary(m, "logical_or", logical_or);
  Binary(m, "logical_xor", logical_xor);
  Binary(m, "atan2", varscope::atan2, "y", "x");
  Binary(m, "floormod", floormod);
  Binary(m, "truncatediv", truncatediv);
}

}  // namespace varscope::python
