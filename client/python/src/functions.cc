// Functions of elements: varscope/math_ops.h and varscope/bitwise.h, under TensorFlow's names of
// functions and arguments.
#include "client/python/src/op_table.h"
#include "varscope/bitwise.h"
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
  Binary(m, "bitwise_and", bitwise::bitwise_and);
  Binary(m, "bitwise_or", bitwise::bitwise_or);
  Binary(m, "bitwise_xor", bitwise::bitwise_xor);
  Unary(m, "invert", "x", bitwise::invert);
  Binary(m, "left_shift", bitwise::left_shift);
  Binary(m, "right_shift", bitwise::right_shift);
  m.def(
      "_polygamma",
      [](int n, nb::handle x, OptionalName name) {
        AwaitDefinitions();
        return Hold(polygamma(n, ToInput(x), NameOf(name)));
      },
      "n"_a, "x"_a, nb::arg("name").none());
}

}  // namespace varscope::python
