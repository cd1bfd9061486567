// How functions of one and of two operands become Python's.
#ifndef VARSCOPE_CLIENT_PYTHON_OP_TABLE_H_
#define VARSCOPE_CLIENT_PYTHON_OP_TABLE_H_

#include <optional>
#include <string>
#include <utility>

#include "client/python/src/convert.h"
#include "client/python/src/python.h"
#include "client/python/src/waiting.h"

namespace varscope::python {

using UnaryOp = Output (*)(const Input&, const std::string&);
using BinaryOp = Output (*)(const Input&, const Input&, const std::string&);

// Returns both operands. An array or a list has the dtype of the other one, if that is a tensor.
inline std::pair<Input, Input> Pair(nb::handle x, nb::handle y) {
  Input first = ToInput(x, SymbolicDType(y));
  return {std::move(first), ToInput(y, SymbolicDType(x))};
}

// Adds op(<argument>, name=None).
inline void Unary(nb::module_& m, const char* op, const char* argument, UnaryOp make) {
  m.def(
      op,
      [make](nb::handle x, OptionalName name) {
        AwaitDefinitions();
        return Hold(make(ToInput(x), NameOf(name)));
      },
      nb::arg(argument).none(), "name"_a = nb::none());
}

// Adds op(x, y, name=None), or with other names of the operands.
inline void Binary(nb::module_& m, const char* op, BinaryOp make, const char* first = "x",
                   const char* second = "y") {
  m.def(
      op,
      [make](nb::handle x, nb::handle y, OptionalName name) {
        AwaitDefinitions();
        const auto [a, b] = Pair(x, y);
        return Hold(make(a, b, NameOf(name)));
      },
      nb::arg(first).none(), nb::arg(second).none(), "name"_a = nb::none());
}

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_OP_TABLE_H_
