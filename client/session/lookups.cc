#include "client/session/lookups.h"

#include <algorithm>
#include <string>

#include "client/graph/variable_state.h"

namespace varscope::internal {
namespace {

constexpr uint64_t kSmallestTable = uint64_t{64} << 10;

bool IsRead(const Node& node) { return node.def->name == "ReadVariableOp"; }

bool IsLarge(const VariableState& variable) {
  if (!variable.shape.IsFullyDefined()) return false;
  return variable.shape.num_elements() * SizeOf(variable.dtype) >= kSmallestTable;
}

class Finder {
 public:
  using IsFed = std::function<bool(const NodeOutput&)>;
  Finder(const Stages& stages, const IsFed& is_fed) : stages_(stages), is_fed_(is_fed) {}

  Lookups Find(const std::vector<const Node*>& needed, const std::vector<NodeOutput>& fetches) {
    for (const Node* node : needed) {
      AddUses(*node);
      if (IsKnownBeforePull(*node)) lookups_.before_pull.insert(node);
    }
    for (const NodeOutput& fetch : fetches) {
      const Node& node = *fetch.node;
      const bool has_value = fetch.index >= 0 && !is_fed_(fetch);
      if (has_value && (IsRead(node) || node.def->changes_variables)) Disqualify(node);
    }
    for (const Node* node : needed) {
      if (IsRead(*node) && Qualifies(*node)) lookups_.reads.insert(node);
    }
    for (const Node* node : needed) {
      if (IsGather(*node) && lookups_.reads.contains(node->inputs[0].node)) {
        lookups_.gathers.insert(node);
      }
    }
    return std::move(lookups_);
  }

 private:
  // From a variable's value.
  bool IsGather(const Node& node) const {
    return node.def->name == "GatherV2" && !is_fed_(node.inputs[0]) && IsRead(*node.inputs[0].node);
  }

  void AddUses(const Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Node& input = *node.inputs[i].node;
      if (is_fed_(node.inputs[i]) || !IsRead(input) || !stages_.Has(input)) continue;
      const size_t stage = stages_.Of(node);
      const bool only_rows =
          i == 0 && IsGather(node) && stage == stages_.Of(input) && IsKnown(node.inputs[1], stage);
      if (!only_rows) Disqualify(input);
    }
  }

  // A read, or a change whose result is fetched.
  void Disqualify(const Node& node) { whole_.emplace(stages_.After(node), node.variable->name); }
  bool Qualifies(const Node& read) const {
    return !whole_.contains({stages_.Of(read), read.variable->name}) && IsLarge(*read.variable);
  }

  // Before the pull of `stage`.
  bool IsKnown(const NodeOutput& output, size_t stage) const {
    if (is_fed_(output)) return true;
    const Node& node = *output.node;
    return stages_.Of(node) < stage || lookups_.before_pull.contains(&node);
  }

  bool IsKnownBeforePull(const Node& node) const {
    if (node.def->name != "Const" && node.def->kernel == nullptr) return false;
    const size_t stage = stages_.Of(node);
    return std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](const NodeOutput& input) { return IsKnown(input, stage); });
  }

  const Stages& stages_;
  const IsFed& is_fed_;
  std::set<std::pair<size_t, std::string>> whole_;  // stages and variables
  Lookups lookups_;
};

}  // namespace

Lookups FindLookups(const std::vector<const Node*>& needed, const std::vector<NodeOutput>& fetches,
                    const Stages& stages, const std::function<bool(const NodeOutput&)>& is_fed) {
  return Finder(stages, is_fed).Find(needed, fetches);
}

}  // namespace varscope::internal
