#include "client/session/plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "client/session/control_plan.h"
#include "client/session/fuse.h"
#include "client/session/lookups.h"
#include "client/session/stages.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

class Compiler {
 public:
  Compiler(const std::vector<NodeOutput>& feeds, const Body* body) : body_(body) {
    for (const NodeOutput& feed : feeds) {
      plan_.feeds.push_back(NewSlot());
      slots_[feed] = plan_.feeds.back();
    }
  }

  Plan Run(const std::vector<NodeOutput>& fetches) {
    std::vector<const Node*> needed = Needed(fetches);
    uses_ = FindUses(needed, fetches);
    std::erase_if(needed, [this](const Node* node) { return !uses_.nodes.contains(node); });
    const auto is_fed = [this](const NodeOutput& output) { return IsFed(output); };
    stages_ = FindStages(needed, is_fed);
    lookups_ = FindLookups(needed, fetches, stages_, is_fed);
    for (const Node* node : needed) Place(*node);
    for (const NodeOutput& fetch : fetches) plan_.results.push_back(ResultOf(fetch));
    FuseConvolutions(plan_);
    MarkUses();
    return std::move(plan_);
  }

 private:
  int NewSlot() { return plan_.slots++; }

  bool IsFed(const NodeOutput& output) const { return slots_.contains(output); }

  // Everything that the fetches depend on, up to what is fed; creation order is a valid order.
  std::vector<const Node*> Needed(const std::vector<NodeOutput>& fetches) const {
    std::set<const Node*> seen;
    std::vector<const Node*> stack;
    for (const NodeOutput& fetch : fetches) {
      if (!IsFed(fetch)) stack.push_back(fetch.node);
    }
    while (!stack.empty()) {
      const Node* const node = stack.back();
      stack.pop_back();
      if (!seen.insert(node).second) continue;
      for (const NodeOutput& input : node->inputs) {
        if (!IsFed(input)) stack.push_back(input.node);
      }
      for (const Node* before : node->control_inputs) {
        if (before->body == body_) stack.push_back(before);
      }
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
    if (!node.bodies.empty()) return PlaceControl(node);
    if (node.def->kernel != nullptr) return PlaceKernel(node);
    if (node.def->changes_variables && body_ == nullptr) PlaceEffect(node);
  }

  void PlaceEffect(const Node& node) {
    Plan::Effect effect{&node, Inputs(node)};
    if (node.attrs.has("guarded")) {
      effect.guard = effect.inputs.back();
      effect.inputs.pop_back();
    }
    StageOf(node).effects.push_back(std::move(effect));
  }

  Plan::Stage& StageAt(size_t number) {
    if (plan_.stages.size() <= number) plan_.stages.resize(number + 1);
    return plan_.stages[number];
  }
  Plan::Stage& StageOf(const Node& node) { return StageAt(stages_.Of(node)); }

  void Unfed(const Node& node) const {
    if (IsFed({const_cast<Node*>(&node), 0})) return;
    throw ValueError(absl::StrCat("You must feed a value for placeholder tensor '", node.name,
                                  "' with dtype ", Name(node.outputs[0].dtype), " and shape ",
                                  node.outputs[0].shape.ToString()));
  }

  void PlaceConstant(const Node& node) {
    const int slot = NewSlot();
    plan_.constants.push_back({slot, node.attrs.tensor("value")});
    Assign(node, {slot});
  }

  void PlacePull(const Node& node) { Assign(node, {PullAt(stages_.Of(node), node.variable)}); }

  int PullAt(size_t stage, const VariableState* variable) {
    const auto [it, fresh] = pulled_.try_emplace({stage, variable->name}, plan_.slots);
    if (fresh) StageAt(stage).pulls.push_back({variable, NewSlot()});
    return it->second;
  }

  void PlaceLookup(const Node& node) {
    const VariableState* const variable = node.inputs[0].node->variable;
    std::vector<Plan::RowsPull>& pulls = StageOf(node).rows_pulls;
    const auto [it, fresh] =
        looked_up_.try_emplace({stages_.Of(node), variable->name}, pulls.size());
    if (fresh) pulls.push_back({variable, {}});
    const int output = NewSlot();
    pulls[it->second].lookups.push_back(
        {.node = &node, .rows = SlotOf(node, node.inputs[1]), .output = output});
    Assign(node, {output});
  }

  // When a kernel runs: before a stage's pull, or after it.
  using Moment = std::pair<size_t, bool>;

  // The same op on the same inputs runs once, unless it is needed before it would.
  void PlaceKernel(const Node& node) {
    const bool early = lookups_.before_pull.contains(&node);
    const Moment moment(stages_.Of(node), !early);
    const std::vector<int> inputs = Inputs(node);
    std::string key = absl::StrCat(node.def->name, "|", Fingerprint(node.attrs));
    for (int input : inputs) absl::StrAppend(&key, "|", input);
    if (!node.def->stateful) {
      const auto same = computed_.find(key);
      if (same != computed_.end() && same->second.first <= moment) {
        return Assign(node, same->second.second);
      }
    }
    std::vector<int> outputs;
    for (size_t i = 0; i < node.outputs.size(); ++i) outputs.push_back(NewSlot());
    Assign(node, outputs);
    computed_.insert_or_assign(std::move(key), std::pair(moment, outputs));
    Plan::Stage& stage = StageOf(node);
    (early ? stage.early_kernels : stage.kernels)
        .push_back({plan_.kernels++, &node, inputs, outputs, {}, {}});
  }

  void PlaceControl(const Node& node) {
    std::vector<int> outputs;
    for (size_t i = 0; i < node.outputs.size(); ++i) outputs.push_back(NewSlot());
    Assign(node, outputs);
    const bool early = lookups_.before_pull.contains(&node);
    Plan::Stage& stage = StageOf(node);
    (early ? stage.early_kernels : stage.kernels)
        .push_back({plan_.kernels++,
                    &node,
                    ControlInputs(node),
                    outputs,
                    {},
                    {},
                    CompileControl(node, uses_)});
  }

  // Those that nobody needs may have no value.
  std::vector<int> ControlInputs(const Node& node) const {
    const std::set<int> used = UsedInputs(node, uses_);
    std::vector<int> slots;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      slots.push_back(used.contains(static_cast<int>(i)) ? SlotOf(node, node.inputs[i]) : -1);
    }
    return slots;
  }

  void Assign(const Node& node, const std::vector<int>& slots) {
    for (size_t i = 0; i < slots.size(); ++i) {
      slots_.try_emplace({const_cast<Node*>(&node), static_cast<int>(i)}, slots[i]);
    }
  }

  std::vector<int> Inputs(const Node& node) const {
    std::vector<int> slots;
    for (const NodeOutput& input : node.inputs) slots.push_back(SlotOf(node, input));
    return slots;
  }

  int SlotOf(const Node& node, const NodeOutput& input) const {
    const auto it = slots_.find(input);
    if (it != slots_.end()) return it->second;
    throw RuntimeError(absl::StrCat("'", node.name, "' uses the output of '", input.node->name,
                                    "' (", input.node->def->name, "), which has no value."));
  }

  int ResultOf(const NodeOutput& fetch) {
    if (fetch.index < 0) return -1;
    const Node& node = *fetch.node;
    const auto it = slots_.find(fetch);
    if (it != slots_.end()) return it->second;
    if (node.def->changes_variables) return PullAt(stages_.After(node), node.variable);
    throw ValueError(absl::StrCat("'", node.name, "' has no value to fetch."));
  }

  enum class Need { kNone, kByKernels, kWhole };

  // From the end: the first use met is the last one.
  void MarkUses() {
    std::vector<Need> needs(plan_.slots, Need::kNone);
    for (int slot : plan_.results) {
      if (slot >= 0) needs[slot] = Need::kWhole;
    }
    for (auto stage = plan_.stages.rbegin(); stage != plan_.stages.rend(); ++stage) {
      for (const Plan::Effect& effect : stage->effects) {
        for (int input : effect.inputs) needs[input] = Need::kWhole;
        if (effect.guard >= 0) needs[effect.guard] = Need::kWhole;
      }
      MarkUses(stage->kernels, needs);
      for (const Plan::RowsPull& pull : stage->rows_pulls) {
        for (const Plan::Lookup& lookup : pull.lookups) needs[lookup.rows] = Need::kWhole;
      }
      MarkUses(stage->early_kernels, needs);
    }
  }

  static void MarkUses(std::vector<Plan::Kernel>& kernels, std::vector<Need>& needs) {
    for (auto kernel = kernels.rbegin(); kernel != kernels.rend(); ++kernel) {
      for (int slot : kernel->outputs) kernel->whole.push_back(needs[slot] == Need::kWhole);
      kernel->last_use.resize(kernel->inputs.size());
      const bool by_values = kernel->node->def->by_values || kernel->control != nullptr;
      for (size_t i = kernel->inputs.size(); i-- > 0;) {
        if (kernel->inputs[i] < 0) continue;
        Need& need = needs[kernel->inputs[i]];
        kernel->last_use[i] = need == Need::kNone;
        need = std::max(need, by_values ? Need::kWhole : Need::kByKernels);
      }
    }
  }

  const Body* const body_;  // null: the graph itself
  Plan plan_;
  Uses uses_;
  std::map<NodeOutput, int> slots_;
  Stages stages_;
  Lookups lookups_;
  using StageAndVariable = std::pair<size_t, std::string>;
  std::map<StageAndVariable, int> pulled_;
  std::map<StageAndVariable, size_t> looked_up_;
  std::unordered_map<std::string, std::pair<Moment, std::vector<int>>> computed_;
};

}  // namespace

Plan Compile(const std::vector<NodeOutput>& fetches, const std::vector<NodeOutput>& feeds) {
  return Compiler(feeds, nullptr).Run(fetches);
}

Plan CompileBody(const Body& body, const std::vector<NodeOutput>& fetches,
                 const std::vector<NodeOutput>& feeds) {
  return Compiler(feeds, &body).Run(fetches);
}

}  // namespace varscope::internal
