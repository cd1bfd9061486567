#include "client/session/fuse.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "client/graph/op_def.h"
#include "client/kernels/kernels.h"

namespace varscope::internal {
namespace {

// The rules of both ops, one after the other.
absl::StatusOr<std::vector<OutputSpec>> InferWithBias(const InferContext& c) {
  const absl::StatusOr<std::vector<OutputSpec>> out =
      FindOp("Conv2D").infer({c.attrs, c.inputs.first(2)});
  if (!out.ok()) return out;
  const OutputSpec both[] = {(*out)[0], c.inputs[2]};
  return FindOp("BiasAdd").infer({c.attrs, both});
}

// An error of it is nearly always one of the convolution, whose name it has.
const OpDef& ConvolutionWithBias() {
  static const OpDef op{
      .name = "Conv2D", .infer = InferWithBias, .kernel = kernels::Conv2DWithBias};
  return op;
}

// How often each slot is needed.
std::vector<int> CountUses(const Plan& plan) {
  std::vector<int> uses(plan.slots, 0);
  const auto count = [&](const std::vector<int>& slots) {
    for (int slot : slots) {
      if (slot >= 0) ++uses[slot];
    }
  };
  count(plan.results);
  for (const Plan::Stage& stage : plan.stages) {
    for (const Plan::Kernel& kernel : stage.early_kernels) count(kernel.inputs);
    for (const Plan::Kernel& kernel : stage.kernels) count(kernel.inputs);
    for (const Plan::Effect& effect : stage.effects) {
      count(effect.inputs);
      count({effect.guard});
    }
    for (const Plan::RowsPull& pull : stage.rows_pulls) {
      for (const Plan::Lookup& lookup : pull.lookups) count({lookup.rows});
    }
  }
  return uses;
}

const OutputSpec& InputSpec(const Node& node, int i) {
  const NodeOutput& input = node.inputs[i];
  return input.node->outputs[input.index];
}

// Adds a vector to the channels, and never a part of one to all of them.
bool IsBias(const Plan::Kernel& kernel, int image_slot) {
  const absl::string_view op = kernel.node->def->name;
  if ((op != "BiasAdd" && op != "Add") || kernel.inputs[0] != image_slot) return false;
  const Shape& image = InputSpec(*kernel.node, 0).shape;
  const Shape& bias = InputSpec(*kernel.node, 1).shape;
  return image.known_rank() && image.rank() == 4 && bias.known_rank() && bias.rank() == 1 &&
         bias.dim(0) >= 0 && bias.dim(0) == image.dim(3);
}

// Of kernels that run one after the other.
class Fusion {
 public:
  Fusion(const std::vector<int>& uses, std::vector<Plan::Kernel>& kernels)
      : uses_(uses), kernels_(kernels), gone_(kernels.size(), false) {
    for (size_t i = 0; i < kernels.size(); ++i) {
      for (int slot : kernels[i].inputs) users_[slot] = i;
    }
  }

  void Run(std::vector<std::unique_ptr<const Node>>& nodes) {
    for (size_t i = 0; i < kernels_.size(); ++i) {
      if (kernels_[i].node->def == &FindOp("Conv2D")) Fuse(i, nodes);
    }
    size_t kept = 0;
    for (size_t i = 0; i < kernels_.size(); ++i) {
      if (!gone_[i]) std::swap(kernels_[kept++], kernels_[i]);
    }
    kernels_.resize(kept);
  }

 private:
  // The one kernel that needs the output of another, which has one.
  std::optional<size_t> OnlyUser(size_t kernel) const {
    const int slot = kernels_[kernel].outputs[0];
    const auto user = users_.find(slot);
    if (uses_[slot] != 1 || user == users_.end()) return std::nullopt;
    return user->second;
  }

  void Fuse(size_t convolution, std::vector<std::unique_ptr<const Node>>& nodes) {
    const std::optional<size_t> bias = OnlyUser(convolution);
    if (!bias || !IsBias(kernels_[*bias], kernels_[convolution].outputs[0])) return;
    const std::optional<size_t> after = OnlyUser(*bias);
    const bool relu = after && kernels_[*after].node->def->name == "Relu";
    auto node = std::make_unique<Node>(*kernels_[convolution].node);
    node->def = &ConvolutionWithBias();
    node->attrs.Set("relu", relu);
    // Where the last of them was: all that they need is there by then.
    Plan::Kernel& last = kernels_[relu ? *after : *bias];
    last.inputs = {kernels_[convolution].inputs[0], kernels_[convolution].inputs[1],
                   kernels_[*bias].inputs[1]};
    last.node = node.get();
    gone_[convolution] = true;
    if (relu) gone_[*bias] = true;
    nodes.push_back(std::move(node));
  }

  const std::vector<int>& uses_;
  std::vector<Plan::Kernel>& kernels_;
  std::vector<bool> gone_;
  std::map<int, size_t> users_;  // of those that have one
};

}  // namespace

void FuseConvolutions(Plan& plan) {
  const std::vector<int> uses = CountUses(plan);
  for (Plan::Stage& stage : plan.stages) {
    Fusion(uses, stage.early_kernels).Run(plan.fused);
    Fusion(uses, stage.kernels).Run(plan.fused);
  }
}

}  // namespace varscope::internal
