#include "client/session/plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "client/session/lookups.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

class Compiler {
 public:
  explicit Compiler(const std::vector<Output>& feeds) {
    for (const Output& feed : feeds) {
      plan_.feeds.push_back(NewSlot());
      slots_[feed] = plan_.feeds.back();
    }
  }

  Plan Run(const std::vector<Fetch>& fetches) {
    const std::vector<const Node*> needed = Needed(fetches);
    lookups_ = FindLookups(needed, fetches, [this](const Output& output) { return IsFed(output); });
    for (const Node* node : needed) Place(*node);
    for (const Fetch& fetch : fetches) plan_.results.push_back(ResultOf(fetch));
    MarkLastUses();
    return std::move(plan_);
  }

 private:
  int NewSlot() { return plan_.slots++; }

  bool IsFed(const Output& output) const { return slots_.contains(output); }

  // Everything that the fetches depend on, up to what is fed; creation order is a valid order.
  std::vector<const Node*> Needed(const std::vector<Fetch>& fetches) const {
    std::set<const Node*> seen;
    std::vector<const Node*> stack;
    for (const Fetch& fetch : fetches) {
      const bool fed = fetch.index() >= 0 && IsFed(Output(fetch.node(), fetch.index()));
      if (!fed) stack.push_back(fetch.node());
    }
    while (!stack.empty()) {
      const Node* const node = stack.back();
      stack.pop_back();
      if (!seen.insert(node).second) continue;
      for (const Output& input : node->inputs) {
        if (!IsFed(input)) stack.push_back(input.node());
      }
      stack.insert(stack.end(), node->control_inputs.begin(), node->control_inputs.end());
    }
    std::vector<const Node*> nodes(seen.begin(), seen.end());
    std::sort(nodes.begin(), nodes.end(),
              [](const Node* a, const Node* b) { return a->id < b->id; });
    return nodes;
  }

  void Place(const Node& node) {
    const absl::string_view op = node.def->name;
    if (op == "Placeholder") return Unfed(node);
    if (op == "Const") return PlaceConstant(node);
    if (lookups_.reads.contains(&node)) return;
    if (lookups_.gathers.contains(&node)) return PlaceLookup(node);
    if (op == "ReadVariableOp") return PlacePull(node);
    if (node.def->kernel != nullptr) return PlaceKernel(node);
    if (op == "NoOp" || op == "VarHandleOp") return;
    plan_.effects.push_back({&node, Inputs(node)});
  }

  void Unfed(const Node& node) const {
    if (IsFed(Output(const_cast<Node*>(&node), 0))) return;
    throw ValueError(absl::StrCat("You must feed a value for placeholder tensor '", node.name,
                                  "' with dtype ", Name(node.outputs[0].dtype), " and shape ",
                                  node.outputs[0].shape.ToString()));
  }

  void PlaceConstant(const Node& node) {
    const int slot = NewSlot();
    plan_.constants.push_back({slot, node.attrs.tensor("value")});
    Assign(node, {slot});
  }

  void PlacePull(const Node& node) {
    const auto [it, fresh] = pulled_.try_emplace(node.variable->name, plan_.slots);
    if (fresh) plan_.pulls.push_back({node.variable, NewSlot()});
    Assign(node, {it->second});
  }

  void PlaceLookup(const Node& node) {
    const std::shared_ptr<VariableState>& variable = node.inputs[0].op().node()->variable;
    const auto [it, fresh] = looked_up_.try_emplace(variable->name, plan_.rows_pulls.size());
    if (fresh) plan_.rows_pulls.push_back({variable, {}});
    const int output = NewSlot();
    plan_.rows_pulls[it->second].lookups.push_back(
        {.node = &node, .rows = SlotOf(node, node.inputs[1]), .output = output});
    Assign(node, {output});
  }

  // The same op on the same inputs runs once.
  void PlaceKernel(const Node& node) {
    const bool early = lookups_.before_pull.contains(&node);
    const std::vector<int> inputs = Inputs(node);
    std::string key = absl::StrCat(node.def->name, "|", Fingerprint(node.attrs));
    for (int input : inputs) absl::StrAppend(&key, "|", input);
    if (!node.def->stateful) {
      const auto same = computed_.find(key);
      if (same != computed_.end()) return Assign(node, same->second);
    }
    std::vector<int> outputs;
    for (size_t i = 0; i < node.outputs.size(); ++i) outputs.push_back(NewSlot());
    Assign(node, outputs);
    computed_.emplace(std::move(key), outputs);
    (early ? plan_.early_kernels : plan_.kernels).push_back({&node, inputs, outputs, {}});
  }

  void Assign(const Node& node, const std::vector<int>& slots) {
    for (size_t i = 0; i < slots.size(); ++i) {
      slots_.try_emplace(Output(const_cast<Node*>(&node), static_cast<int>(i)), slots[i]);
    }
  }

  std::vector<int> Inputs(const Node& node) const {
    std::vector<int> slots;
    for (const Output& input : node.inputs) slots.push_back(SlotOf(node, input));
    return slots;
  }

  int SlotOf(const Node& node, const Output& input) const {
    const auto it = slots_.find(input);
    if (it != slots_.end()) return it->second;
    throw ValueError(absl::StrCat("'", node.name, "' uses the output of '", input.op().name(),
                                  "' (", input.op().type(),
                                  "), which can be fetched but not feed other ops."));
  }

  Plan::Result ResultOf(const Fetch& fetch) const {
    if (fetch.index() < 0) return {};
    const auto it = slots_.find(Output(fetch.node(), fetch.index()));
    if (it != slots_.end()) return {.slot = it->second};
    if (fetch.node()->variable != nullptr) return {.after_push = fetch.node()->variable};
    throw ValueError(absl::StrCat("'", fetch.node()->name, "' has no value to fetch."));
  }

  // From the end: the first use met is the last one.
  void MarkLastUses() {
    std::vector<bool> needed(plan_.slots, false);
    for (const Plan::Result& result : plan_.results) {
      if (result.slot >= 0) needed[result.slot] = true;
    }
    for (const Plan::Effect& effect : plan_.effects) {
      for (int input : effect.inputs) needed[input] = true;
    }
    MarkLastUses(plan_.kernels, needed);
    for (const Plan::RowsPull& pull : plan_.rows_pulls) {
      for (const Plan::Lookup& lookup : pull.lookups) needed[lookup.rows] = true;
    }
    MarkLastUses(plan_.early_kernels, needed);
  }

  static void MarkLastUses(std::vector<Plan::Kernel>& kernels, std::vector<bool>& needed) {
    for (auto kernel = kernels.rbegin(); kernel != kernels.rend(); ++kernel) {
      kernel->last_use.assign(kernel->inputs.size(), false);
      for (size_t i = 0; i < kernel->inputs.size(); ++i) {
        const int slot = kernel->inputs[i];
        const bool repeats = std::count(kernel->inputs.begin() + static_cast<int64_t>(i) + 1,
                                        kernel->inputs.end(), slot) > 0;
        kernel->last_use[i] = !needed[slot] && !repeats;
      }
      for (int slot : kernel->inputs) needed[slot] = true;
    }
  }

  Plan plan_;
  std::map<Output, int> slots_;
  std::map<std::string, int> pulled_;
  Lookups lookups_;
  std::map<std::string, size_t> looked_up_;
  std::unordered_map<std::string, std::vector<int>> computed_;
};

}  // namespace

Plan Compile(const std::vector<Fetch>& fetches, const std::vector<Output>& feeds) {
  return Compiler(feeds).Run(fetches);
}

}  // namespace varscope::internal
