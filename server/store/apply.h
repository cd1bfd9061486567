// One push, applied to the store: gradients through optimizers, and assignments. All or nothing.
#ifndef VARSCOPE_SERVER_STORE_APPLY_H_
#define VARSCOPE_SERVER_STORE_APPLY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/core/tensor.h"
#include "server/store/store.h"

namespace varscope::server {

struct GradientUpdate {
  std::string variable;
  Tensor gradient;             // dense: the variable's shape; sparse: [rows, variable's other dims]
  std::optional<Tensor> rows;  // int32 or int64 [rows]
};

struct OptimizerStep {
  OptimizerStateRequest state;
  double clip_norm = 0;   // over all gradients of the step together; 0: none
  double clip_value = 0;  // each element to [-clip_value, clip_value]; 0: none
  double weight_decay = 0;
  Definer definer;  // of slots that this step is the first to need
  std::vector<GradientUpdate> updates;
};

enum class AssignOp : uint8_t {
  kAssign,
  kAdd,
  kSub,
  kScatterUpdate,
  kScatterAdd,
  kScatterSub,
  kInitialize,  // only while the variable has no value
};

struct Assignment {
  std::string variable;
  AssignOp op = AssignOp::kAssign;
  Tensor value;
  std::optional<Tensor> rows;  // for the scatters
};

struct Push {
  std::string worker_id;
  std::vector<OptimizerStep> steps;
  std::vector<Assignment> assignments;
  bool allow_nonfinite = false;
};

struct Applied {
  uint64_t global_step = 0;
  struct VariableVersion {
    std::string variable;
    uint64_t version;
  };
  std::vector<VariableVersion> variables;
};

// Checks everything first and then applies it under the locks of all variables concerned, so that
// every reader sees the whole push or nothing of it. Gradients come first, in order, then
// assignments. Advances the global step once when there is a gradient.
// Errors, with the store unchanged: NotFound for an unknown variable, InvalidArgument for a dtype,
// shape, row or value (NaN, infinity) that does not fit, FailedPrecondition for a variable without
// a value; each names the variable and the worker.
absl::StatusOr<Applied> Apply(Store& store, Push push);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_APPLY_H_
