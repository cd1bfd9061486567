// Rows by number; their gradients are sparse.
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/nn.h"
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

Grads GatherGrad(const GradContext& c) {
  const Output params = c.x(0);
  if (!params.shape().known_rank()) {
    throw ValueError(absl::StrCat("the gradient of gather needs the rank of ", params.name()));
  }
  std::vector<int64_t> rows = params.shape().dims();
  rows[0] = -1;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i] < 0) {
      throw ValueError(absl::StrCat("the gradient of gather needs the row shape of ", params.name(),
                                    ", which is ", params.shape().ToString()));
    }
  }
  return {Gradient{reshape(c.dy(), rows), reshape(c.x(1), {-1})}, None()};
}

Specs SumRowsShape(const InferContext& c) {
  return std::vector<OutputSpec>{{c.dtype(0), c.shape(2)}};
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
      {.name = "OneHot", .infer = OneHotShape, .kernel = kernels::OneHot},
  };
}

}  // namespace internal

Output gather(const Input& params, const Input& indices, const std::string& name) {
  return internal::Binary("GatherV2", params, indices, name, "GatherV2");
}

Output one_hot(const Input& indices, int64_t depth, const std::string& name, DType dtype) {
  return internal::Unary("OneHot", indices, name, "one_hot", {{"depth", depth}, {"dtype", dtype}});
}

Output nn::embedding_lookup(const Input& params, const Input& ids, const std::string& name) {
  const internal::FunctionScope scope(name, "embedding_lookup");
  return identity(gather(params, ids), "Identity");
}

}  // namespace varscope
