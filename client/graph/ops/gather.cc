// Rows by number; their gradients are sparse.
#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

absl::Status CheckIndices(const InferContext& c, int i) {
  if (IsIndex(c.dtype(i))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("indices have the dtype ", Name(c.dtype(i)), ", expected int32 or int64"));
}

Specs GatherShape(const InferContext& c) {
  if (absl::Status s = CheckIndices(c, 1); !s.ok()) return s;
  const Shape& params = c.shape(0);
  const Shape& indices = c.shape(1);
  if (params.known_rank() && params.rank() == 0) {
    return absl::InvalidArgumentError("params must have at least one dimension");
  }
  if (!params.known_rank() || !indices.known_rank()) {
    return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
  }
  std::vector<int64_t> dims = indices.dims();
  dims.insert(dims.end(), params.dims().begin() + 1, params.dims().end());
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}

// dy of (params, indices) as one row of params for each index.
Specs RowsLikeShape(const InferContext& c) {
  const Shape& dy = c.shape(0);
  const Shape params = LikeShape(c);
  if (!params.known_rank()) return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
  std::vector<int64_t> dims = params.dims();
  if (dims.empty()) return absl::InvalidArgumentError("params must have at least one dimension");
  dims[0] = Shape::kUnknownDim;
  if (!dy.known_rank()) return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
  const int outer = dy.rank() - (params.rank() - 1);
  bool fits = outer >= 0;
  for (int i = 1; fits && i < params.rank(); ++i) {
    const int64_t n = dy.dim(outer + i - 1);
    fits = n < 0 || dims[i] < 0 || n == dims[i];
    dims[i] = std::max(n, dims[i]);
  }
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat(dy.ToString(), " does not consist of rows of ", params.ToString()));
  }
  const Shape indices(std::vector<int64_t>(dy.dims().begin(), dy.dims().begin() + outer));
  if (indices.IsFullyDefined()) dims[0] = Count(indices);
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}
Grads RowsLikeGrad(const GradContext& c) {
  Grads grads(c.node.inputs.size());
  grads[0] = Dense(MakeLike("ReshapeLike", "Reshape", c.dy(), c.x(0)));
  return grads;
}

// Like params where its rows are known, so that a run does not need it for their shape.
Grads GatherGrad(const GradContext& c) {
  const Shape& params = c.x(0).shape();
  Attrs attrs;
  std::vector<Output> inputs = {c.dy()};
  const bool known = params.known_rank() &&
                     Shape({params.dims().begin() + 1, params.dims().end()}).IsFullyDefined();
  if (known) {
    attrs.Set("shape", params);
  } else {
    inputs.push_back(c.x(0));
  }
  const Output rows = MakeOp("RowsLike", "Reshape", inputs, attrs);
  return {Gradient{rows, reshape(c.x(1), {-1})}, None()};
}

// (values, indices, x): as many rows of x as there are indices.
Specs SumRowsShape(const InferContext& c) {
  if (absl::Status s = CheckIndices(c, 1); !s.ok()) return s;
  const Shape& x = c.shape(2);
  if (x.known_rank() && x.rank() == 0) {
    return absl::InvalidArgumentError("a scalar has no rows");
  }
  if (x.known_rank()) {
    std::vector<int64_t> dims = x.dims();
    const Shape& indices = c.shape(1);
    dims[0] = indices.IsFullyDefined() ? Count(indices) : Shape::kUnknownDim;
    if (absl::StatusOr<Shape> rows = Merge(c.shape(0), Shape(dims)); !rows.ok()) {
      return rows.status();
    }
  }
  return std::vector<OutputSpec>{{c.dtype(0), x}};
}
Grads SumRowsGrad(const GradContext& c) { return {Dense(gather(c.dy(), c.x(1))), None(), None()}; }

Specs OneHotShape(const InferContext& c) {
  if (absl::Status s = CheckIndices(c, 0); !s.ok()) return s;
  const DType dtype = c.attrs.get<DType>("dtype");
  if (c.attrs.integer("depth") < 0) return absl::InvalidArgumentError("depth must not be negative");
  if (!c.shape(0).known_rank()) return std::vector<OutputSpec>{{dtype, Shape::Unknown()}};
  std::vector<int64_t> dims = c.shape(0).dims();
  dims.push_back(c.attrs.integer("depth"));
  return std::vector<OutputSpec>{{dtype, Shape(dims)}};
}

}  // namespace

std::vector<OpDef> GatherOps() {
  return {
      {.name = "GatherV2", .infer = GatherShape, .kernel = kernels::Gather, .gradient = GatherGrad},
      {.name = "SumRowsLike",
       .infer = SumRowsShape,
       .kernel = kernels::SumRowsLike,
       .gradient = SumRowsGrad},
      {.name = "RowsLike",
       .infer = RowsLikeShape,
       .kernel = kernels::Share,
       .gradient = RowsLikeGrad},
      {.name = "OneHot",
       .infer = OneHotShape,
       .kernel = kernels::OneHot,
       .gradient = NotDifferentiable},
  };
}

}  // namespace internal

Output gather(const Input& params, const Input& indices, const std::string& name) {
  using internal::ToOutput;
  if (params.output() && indices.output()) {
    return internal::Binary("GatherV2", params, indices, name, "GatherV2");
  }
  const internal::FunctionScope scope(name, "GatherV2", {&params, &indices});
  const Output rows = ToOutput(params, "params");
  return internal::MakeOp("GatherV2", scope.name(), {rows, ToOutput(indices, "indices")});
}

Output one_hot(const Input& indices, int64_t depth, const std::string& name, DType dtype) {
  return internal::Unary("OneHot", indices, name, "one_hot", {{"depth", depth}, {"dtype", dtype}});
}

}  // namespace varscope
