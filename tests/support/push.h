// A push as a value that tests can write down, and its way through the server's own stages.
#ifndef VARSCOPE_TESTS_SUPPORT_PUSH_H_
#define VARSCOPE_TESTS_SUPPORT_PUSH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "proto/naming/creator.h"
#include "server/push/commit.h"
#include "server/push/push.h"
#include "server/store/store.h"
#include "server/sync/synchronizer.h"
#include "varscope/tensor.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::server {

struct OptimizerStateRequest {
  std::string optimizer;
  std::map<std::string, double> hyperparameters;
  std::string name;  // "Adam"
  uint32_t instance = 0;
  std::string group;
  std::vector<std::string> non_slots = {};
};

struct SlotRequest {
  std::string variable;
  std::vector<std::string> slots = {};
};

struct GradientUpdate {
  std::string variable;
  Tensor gradient;
  std::optional<Tensor> rows;
  std::optional<uint64_t> base_version;
  std::vector<std::string> slots = {};
};

struct OptimizerStep {
  OptimizerStateRequest state;
  double clip_norm = 0;
  double clip_value = 0;
  double weight_decay = 0;
  Creator creator;
  std::vector<GradientUpdate> updates;
  std::vector<SlotRequest> create_slots;
};

struct Assignment {
  std::string variable;
  AssignOp op = AssignOp::kAssign;
  Tensor value;
  std::optional<Tensor> rows;
};

struct Push {
  PushId id;
  std::vector<OptimizerStep> steps;
  std::vector<Assignment> assignments;
  bool allow_nonfinite = false;
};

// Names the state of a step as a worker's graph does, below `scope`, which is asked for once;
// leaves it unnamed when its hyperparameters make no sense.
void NameState(OptimizerStep& step, absl::FunctionRef<const char*()> scope);

// What travels.
struct SentPush {
  v1::FrameHeader head;
  std::vector<Tensor> tensors;
};
SentPush Send(const Push& push);

// Of a variable that has one.
Tensor ValueOf(const Store& store, const std::string& name);

// The stages, one after the other.
absl::StatusOr<ResolvedPush> Resolved(const Store& store, const Push& push);
absl::StatusOr<ValidPush> Validated(const Store& store, const Push& push);
absl::StatusOr<LockedPush> Locked(Store& store, const Push& push);
// All of them, past the completion records.
absl::StatusOr<PushResult> Apply(Store& store, const Push& push);
// Through the group of its variables.
void Submit(Synchronizer& synchronizer, const Store& store, const Push& push, PushDone done,
            uint64_t timeout_ms = 0);

}  // namespace varscope::server

#endif  // VARSCOPE_TESTS_SUPPORT_PUSH_H_
