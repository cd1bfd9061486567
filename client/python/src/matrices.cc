// Matrices in the last two dimensions of tensors: products, equations, factors; under TensorFlow's
// names of functions and arguments.
#include "client/python/src/op_table.h"
#include "varscope/math_ops.h"

namespace varscope::python {
namespace {

void AddProducts(nb::module_& m) {
  m.def(
      "matmul",
      [](nb::handle a, nb::handle b, bool transpose_a, bool transpose_b, OptionalName name) {
        AwaitDefinitions();
        const auto [x, y] = Pair(a, b);
        return Hold(matmul(x, y, transpose_a, transpose_b, NameOf(name)));
      },
      "a"_a, "b"_a, "transpose_a"_a = false, "transpose_b"_a = false, "name"_a = nb::none());
  m.def(
      "matrix_solve",
      [](nb::handle matrix, nb::handle rhs, bool adjoint, OptionalName name) {
        AwaitDefinitions();
        const auto [x, y] = Pair(matrix, rhs);
        return Hold(matrix_solve(x, y, adjoint, NameOf(name)));
      },
      "matrix"_a, "rhs"_a, "adjoint"_a = false, "name"_a = nb::none());
  Unary(m, "matrix_inverse", "input", matrix_inverse);
  Unary(m, "matrix_determinant", "input", matrix_determinant);
  m.def(
      "matrix_band_part",
      [](nb::handle input, int64_t num_lower, int64_t num_upper, OptionalName name) {
        AwaitDefinitions();
        return Hold(matrix_band_part(ToInput(input), num_lower, num_upper, NameOf(name)));
      },
      "input"_a, "num_lower"_a, "num_upper"_a, "name"_a = nb::none());
}

void AddFactors(nb::module_& m) {
  Unary(m, "cholesky", "input", cholesky);
  Unary(m, "self_adjoint_eigvals", "tensor", self_adjoint_eigvals);
  m.def(
      "self_adjoint_eig",
      [](nb::handle tensor, OptionalName name) {
        AwaitDefinitions();
        const EigenPairs both = self_adjoint_eig(ToInput(tensor), NameOf(name));
        return std::pair(Hold(both.values), Hold(both.vectors));
      },
      "tensor"_a, "name"_a = nb::none());
  m.def(
      "_svd",
      [](nb::handle tensor, bool full_matrices, OptionalName name) {
        AwaitDefinitions();
        const SingularValues all = svd(ToInput(tensor), full_matrices, NameOf(name));
        return std::tuple(Hold(all.s), Hold(all.u), Hold(all.v));
      },
      "tensor"_a, "full_matrices"_a, nb::arg("name").none());
  Unary(m, "_singular_values", "tensor", singular_values);
  m.def(
      "_qr",
      [](nb::handle input, bool full_matrices, OptionalName name) {
        AwaitDefinitions();
        const OrthogonalTriangular both = qr(ToInput(input), full_matrices, NameOf(name));
        return std::pair(Hold(both.q), Hold(both.r));
      },
      "input"_a, "full_matrices"_a, nb::arg("name").none());
}

}  // namespace

void AddMatrices(nb::module_& m) {
  AddProducts(m);
  AddFactors(m);
}

}  // namespace varscope::python
