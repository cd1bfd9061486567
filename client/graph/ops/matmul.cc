#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

Specs MatMulShape(const InferContext& c) {
  if (absl::Status s = CheckNumber(c, 0); !s.ok()) return s;
  if (absl::Status s = CheckSameDType(c, 0, 1); !s.ok()) return s;
  const Shape& a = c.shape(0);
  const Shape& b = c.shape(1);
  if (!a.known_rank() || !b.known_rank()) {
    return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
  }
  if (a.rank() < 2 || a.rank() != b.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Shapes must have the same rank of at least 2, but are ", a.ToString(),
                     " and ", b.ToString()));
  }
  const bool ta = c.attrs.flag("transpose_a");
  const bool tb = c.attrs.flag("transpose_b");
  const int64_t inner_a = a.dim(ta ? -2 : -1);
  const int64_t inner_b = b.dim(tb ? -1 : -2);
  if (inner_a >= 0 && inner_b >= 0 && inner_a != inner_b) {
    return absl::InvalidArgumentError(
        absl::StrCat("Dimensions must be equal, but are ", inner_a, " and ", inner_b));
  }
  std::vector<int64_t> dims = a.dims();
  for (int i = 0; i < a.rank() - 2; ++i) {
    if (a.dim(i) >= 0 && b.dim(i) >= 0 && a.dim(i) != b.dim(i)) {
      return absl::InvalidArgumentError(
          absl::StrCat("Outer dimensions must be equal, but are ", a.dim(i), " and ", b.dim(i)));
    }
    dims[i] = std::max(a.dim(i), b.dim(i));
  }
  dims[a.rank() - 2] = a.dim(ta ? -1 : -2);
  dims[a.rank() - 1] = b.dim(tb ? -2 : -1);
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}

Grads MatMulGrad(const GradContext& c) {
  const Output a = c.x(0);
  const Output b = c.x(1);
  const Output g = c.dy();
  const bool ta = c.attrs().flag("transpose_a");
  const bool tb = c.attrs().flag("transpose_b");
  const Output ga = ta ? matmul(b, g, tb, true) : matmul(g, b, false, !tb);
  const Output gb = tb ? matmul(g, a, true, ta) : matmul(a, g, !ta, false);
  return {Dense(ga), Dense(gb)};
}

}  // namespace

std::vector<OpDef> MatMulOps() {
  return {
      {.name = "MatMul", .infer = MatMulShape, .kernel = kernels::MatMul, .gradient = MatMulGrad},
  };
}

}  // namespace internal

Output matmul(const Input& a, const Input& b, bool transpose_a, bool transpose_b,
              const std::string& name) {
  return internal::Binary("MatMul", a, b, name, "MatMul",
                          {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

}  // namespace varscope
