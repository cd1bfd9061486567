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
  using IsFed = std::function<bool(const Output&)>;
  explicit Finder(const IsFed& is_fed) : is_fed_(is_fed) {}

  Lookups Find(const std::vector<const Node*>& needed, const std::vector<Fetch>& fetches) {
    for (const Node* node : needed) {
      AddUses(*node);
      if (IsKnownBeforePull(*node)) lookups_.before_pull.insert(node);
    }
    for (const Fetch& fetch : fetches) {
      if (IsRead(*fetch.node())) Disqualify(*fetch.node());
    }
    for (const Node* node : needed) {
      if (IsRead(*node) && Qualifies(*node)) lookups_.reads.insert(node);
    }
    for (const Node* node : needed) {
      if (IsGather(*node) && lookups_.reads.contains(node->inputs[0].op().node())) {
        lookups_.gathers.insert(node);
      }
    }
    return std::move(lookups_);
  }

 private:
  // From a variable's value.
  bool IsGather(const Node& node) const {
    return node.def->name == "GatherV2" && !is_fed_(node.inputs[0]) &&
           IsRead(*node.inputs[0].op().node());
  }

  void AddUses(const Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Node& input = *node.inputs[i].op().node();
      if (is_fed_(node.inputs[i]) || !IsRead(input)) continue;
      const bool only_rows = i == 0 && IsGather(node) && IsKnown(node.inputs[1]);
      if (!only_rows) Disqualify(input);
    }
  }

  void Disqualify(const Node& read) { whole_.insert(read.variable->name); }
  bool Qualifies(const Node& read) const {
    return !whole_.contains(read.variable->name) && IsLarge(*read.variable);
  }

  bool IsKnown(const Output& output) const {
    return is_fed_(output) || lookups_.before_pull.contains(output.op().node());
  }

  bool IsKnownBeforePull(const Node& node) const {
    if (node.def->name != "Const" && node.def->kernel == nullptr) return false;
    return std::all_of(node.inputs.begin(), node.inputs.end(),
                       [this](const Output& input) { return IsKnown(input); });
  }

  const IsFed& is_fed_;
  std::set<std::string> whole_;  // variables
  Lookups lookups_;
};

}  // namespace

Lookups FindLookups(const std::vector<const Node*>& needed, const std::vector<Fetch>& fetches,
                    const std::function<bool(const Output&)>& is_fed) {
  return Finder(is_fed).Find(needed, fetches);
}

}  // namespace varscope::internal
