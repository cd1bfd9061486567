// What the rules of ops have in common that take integers: indices, places, numbers of rows.
#ifndef VARSCOPE_CLIENT_GRAPH_OPS_INDICES_H_
#define VARSCOPE_CLIENT_GRAPH_OPS_INDICES_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/op_def.h"
#include "client/graph/ops/build.h"

namespace varscope::internal {

inline absl::Status CheckIndex(const InferContext& c, int i) {
  if (IsIndex(c.dtype(i))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("input ", i, " is ", Name(c.dtype(i)), ", expected int32 or int64"));
}

inline absl::Status CheckRankOf(const InferContext& c, int i, int rank) {
  if (!c.shape(i).known_rank() || c.shape(i).rank() == rank) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("input ", i, " has the shape ",
                                                 c.shape(i).ToString(), ", expected rank ", rank));
}

// The only output's.
inline Specs OneOf(DType dtype, Shape shape) {
  return std::vector<OutputSpec>{{dtype, std::move(shape)}};
}

// The gradient of the first input alone.
inline std::vector<Gradient> OfFirst(const GradContext& c, const Output& gradient) {
  std::vector<Gradient> grads(c.node.inputs.size());
  grads[0] = Dense(gradient);
  return grads;
}

// An int32 vector or scalar unless it is an output.
inline Output IndexOutput(const Input& input, const char* name) {
  return ToOutput(input, name, DType::kInt32);
}
inline Output Second(const Output& first) { return Wrap(NodeOutput{Unwrap(first).node, 1}); }

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPS_INDICES_H_
