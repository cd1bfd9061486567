// Matrices as products: eigenvalues, singular values, QR. The gradients are TensorFlow's.
#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/math_ops.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

// What is known of matrices in the last two dimensions.
struct Matrices {
  std::optional<std::vector<int64_t>> batch;  // nothing: of unknown rank
  int64_t rows = Shape::kUnknownDim;
  int64_t columns = Shape::kUnknownDim;

  int64_t few() const {
    if (rows == 0 || columns == 0) return 0;
    return rows < 0 || columns < 0 ? Shape::kUnknownDim : std::min(rows, columns);
  }
  Shape Of(std::vector<int64_t> last) const {
    if (!batch) return Shape::Unknown();
    last.insert(last.begin(), batch->begin(), batch->end());
    return Shape(std::move(last));
  }
};
absl::StatusOr<Matrices> MatricesOf(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  const Shape& x = c.shape(0);
  if (!x.known_rank()) return Matrices{};
  if (x.rank() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("Shape must be at least rank 2 but is rank ", x.rank()));
  }
  return Matrices{std::vector<int64_t>(x.dims().begin(), x.dims().end() - 2), x.dim(-2), x.dim(-1)};
}

Specs EigShape(const InferContext& c) {
  const absl::StatusOr<Matrices> x = MatricesOf(c);
  if (!x.ok()) return x.status();
  if (x->rows >= 0 && x->columns >= 0 && x->rows != x->columns) {
    return absl::InvalidArgumentError(
        absl::StrCat("Dimensions must be equal, but are ", x->rows, " and ", x->columns));
  }
  const int64_t n = std::max(x->rows, x->columns);
  std::vector<OutputSpec> specs = {{c.dtype(0), x->Of({n})}};
  if (c.attrs.flag("compute_v")) specs.push_back({c.dtype(0), x->Of({n, n})});
  return specs;
}
Specs SvdShape(const InferContext& c) {
  const absl::StatusOr<Matrices> x = MatricesOf(c);
  if (!x.ok()) return x.status();
  std::vector<OutputSpec> specs = {{c.dtype(0), x->Of({x->few()})}};
  if (!c.attrs.flag("compute_uv")) return specs;
  const bool full = c.attrs.flag("full_matrices");
  specs.push_back({c.dtype(0), x->Of({x->rows, full ? x->rows : x->few()})});
  specs.push_back({c.dtype(0), x->Of({x->columns, full ? x->columns : x->few()})});
  return specs;
}
Specs QrShape(const InferContext& c) {
  const absl::StatusOr<Matrices> x = MatricesOf(c);
  if (!x.ok()) return x.status();
  const int64_t inner = c.attrs.flag("full_matrices") ? x->rows : x->few();
  return std::vector<OutputSpec>{{c.dtype(0), x->Of({x->rows, inner})},
                                 {c.dtype(0), x->Of({inner, x->columns})}};
}

// Of unknown rank as a product, which takes no order of the dimensions.
Output Transposed(const Output& x) {
  if (!x.shape().known_rank()) return matmul(x, matrix_band_part(ones_like(x), 0, 0), true);
  std::vector<int64_t> order(x.shape().rank());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[order.size() - 2], order[order.size() - 1]);
  return transpose(x, order);
}
// The matrices with that on the diagonal.
Output DiagonalOf(const Output& x, const Output& matrices) {
  return matrix_band_part(add(expand_dims(x, -1), zeros_like(matrices)), 0, 0);
}
// Columns [first, first + count) of matrices; -1: all that are left.
Output Columns(const Output& x, int64_t first, int64_t count) {
  std::vector<int64_t> begin(x.shape().rank(), 0);
  std::vector<int64_t> size(x.shape().rank(), -1);
  begin.back() = first;
  size.back() = count;
  return slice(x, begin, size);
}
// 1 / (x_j - x_i), 0 on the diagonal, of which the slope would be infinite: huge for what is there
// twice.
Output Distances(const Output& x) {
  const Output all = subtract(expand_dims(x, -2), expand_dims(x, -1));
  const Output inverse = multiply(all, reciprocal(add(square(all), 1e-20)));
  return subtract(inverse, matrix_band_part(inverse, 0, 0));
}
// The gradient of output i, zeros where none has come.
Output GradientOf(const GradContext& c, int i) {
  return c.dys[i].defined() ? c.dys[i] : zeros_like(c.y(i));
}

[[noreturn]] void ThrowNone(const char* what) {
  throw LookupError(absl::StrCat("No gradient defined for ", what, "."));
}

// (e, v): v (diag(de) + f * v^T dv) v^T, of which the lower triangle stands for both.
Grads EigGrad(const GradContext& c) {
  const bool vectors = c.attrs().flag("compute_v");
  const Output v = vectors ? c.y(1) : self_adjoint_eig(c.x(0)).vectors;
  Output middle = DiagonalOf(GradientOf(c, 0), v);
  if (vectors && c.dys[1].defined()) {
    middle = add(middle, multiply(Distances(c.y(0)), matmul(v, c.dys[1], true)));
  }
  const Output whole = matmul(v, matmul(middle, v, false, true));
  const Output both = matrix_band_part(add(whole, Transposed(whole)), -1, 0);
  return {Dense(subtract(both, multiply(matrix_band_part(both, 0, 0), 0.5)))};
}

// The gradient of matrices that have no more rows than columns, (s, u, v) theirs.
Output WideSvdGrad(const GradContext& c, const Output& u, const Output& v, const Output& du,
                   const Output& dv, int64_t few, int64_t many) {
  const Output s = c.y(0);
  const Output first = Columns(v, 0, few);
  const Output dfirst = Columns(dv, 0, few);
  const Output square_u = matmul(u, du, true);
  const Output distances = Distances(square(s));
  const Output f_u = multiply(distances, square_u);
  const Output f_v = multiply(distances, matmul(first, dfirst, true));
  const Output s_matrix = DiagonalOf(s, square_u);
  const Output middle =
      add(add(DiagonalOf(GradientOf(c, 0), square_u), matmul(add(f_u, Transposed(f_u)), s_matrix)),
          matmul(s_matrix, add(f_v, Transposed(f_v))));
  const Output near = matmul(u, matmul(middle, first, false, true));
  if (few == many) return near;
  const Output dfirst_t = Transposed(dfirst);
  Output rest = subtract(dfirst_t, matmul(matmul(dfirst_t, first), first, false, true));
  if (c.attrs().flag("full_matrices")) {
    const Output last = Columns(v, few, -1);
    const Output turned = matmul(first, Columns(dv, few, -1), true);
    rest = subtract(rest, matmul(turned, last, false, true));
  }
  const Output inverse = multiply(s, reciprocal(add(square(s), 1e-20)));
  return add(near, matmul(matmul(u, DiagonalOf(inverse, square_u)), rest));
}
Grads SvdGrad(const GradContext& c) {
  const Shape& x = c.x(0).shape();
  if (!c.attrs().flag("compute_uv")) {
    const SingularValues all = svd(c.x(0));
    return {Dense(
        matmul(all.u, matmul(DiagonalOf(c.dy(), matmul(all.u, all.u, true)), all.v, false, true)))};
  }
  const int64_t rows = x.known_rank() ? x.dim(-2) : Shape::kUnknownDim;
  const int64_t columns = x.known_rank() ? x.dim(-1) : Shape::kUnknownDim;
  if (rows < 0 || columns < 0) ThrowNone("singular vectors of matrices of unknown size");
  if (c.attrs().flag("full_matrices") && std::abs(rows - columns) > 1) {
    ThrowNone("full matrices of singular vectors, when rows and columns differ by more than 1");
  }
  const Output du = GradientOf(c, 1);
  const Output dv = GradientOf(c, 2);
  if (rows <= columns) return {Dense(WideSvdGrad(c, c.y(1), c.y(2), du, dv, rows, columns))};
  return {Dense(Transposed(WideSvdGrad(c, c.y(2), c.y(1), dv, du, columns, rows)))};
}

// x r^-T, of an upper triangular r.
Output TimesInverse(const Output& x, const Output& r) {
  return Transposed(matrix_solve(r, Transposed(x)));
}
Output DeepQrGrad(const Output& q, const Output& r, const Output& dq, const Output& dr) {
  const Output of_q = matmul(q, dq, true);
  const Output of_r = matmul(r, dr, false, true);
  const Output lower = matrix_band_part(
      add(subtract(of_q, Transposed(of_q)), subtract(of_r, Transposed(of_r))), -1, 0);
  return add(matmul(q, add(dr, TimesInverse(lower, r))),
             TimesInverse(subtract(dq, matmul(q, of_q)), r));
}
Grads QrGrad(const GradContext& c) {
  const Output q = c.y(0);
  const Output r = c.y(1);
  const Shape& shape = r.shape();
  if (!shape.known_rank() || shape.dim(-2) < 0 || shape.dim(-1) < 0) {
    ThrowNone("QR of matrices of unknown size");
  }
  if (shape.dim(-2) > shape.dim(-1)) ThrowNone("full matrices of QR of more rows than columns");
  const Output dq = GradientOf(c, 0);
  const Output dr = GradientOf(c, 1);
  const int64_t rows = shape.dim(-2);
  if (rows == shape.dim(-1)) return {Dense(DeepQrGrad(q, r, dq, dr))};
  const Output y = Columns(c.x(0), rows, -1);
  const Output dv = Columns(dr, rows, -1);
  const Output dx =
      DeepQrGrad(q, Columns(r, 0, rows), add(dq, matmul(y, dv, false, true)), Columns(dr, 0, rows));
  return {Dense(concat({dx, matmul(q, dv)}, -1))};
}

}  // namespace

std::vector<OpDef> DecompositionOps() {
  return {{.name = "SelfAdjointEigV2",
           .infer = EigShape,
           .kernel = kernels::SelfAdjointEig,
           .gradient = EigGrad},
          {.name = "Svd", .infer = SvdShape, .kernel = kernels::Svd, .gradient = SvdGrad},
          {.name = "Qr", .infer = QrShape, .kernel = kernels::Qr, .gradient = QrGrad}};
}

namespace {

Output OutputOf(const Output& first, int i) { return Wrap(NodeOutput{Unwrap(first).node, i}); }

}  // namespace
}  // namespace internal

using internal::OutputOf;
using internal::Unary;

EigenPairs self_adjoint_eig(const Input& x, const std::string& name) {
  const Output e = Unary("SelfAdjointEigV2", x, name, "SelfAdjointEigV2", {{"compute_v", true}});
  return {e, OutputOf(e, 1)};
}
Output self_adjoint_eigvals(const Input& x, const std::string& name) {
  return Unary("SelfAdjointEigV2", x, name, "SelfAdjointEigV2", {{"compute_v", false}});
}
SingularValues svd(const Input& x, bool full_matrices, const std::string& name) {
  const Output s =
      Unary("Svd", x, name, "Svd", {{"compute_uv", true}, {"full_matrices", full_matrices}});
  return {s, OutputOf(s, 1), OutputOf(s, 2)};
}
Output singular_values(const Input& x, const std::string& name) {
  return Unary("Svd", x, name, "Svd", {{"compute_uv", false}, {"full_matrices", false}});
}
OrthogonalTriangular qr(const Input& x, bool full_matrices, const std::string& name) {
  const Output q = Unary("Qr", x, name, "Qr", {{"full_matrices", full_matrices}});
  return {q, OutputOf(q, 1)};
}

}  // namespace varscope
