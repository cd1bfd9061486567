// What a variable is at a place of the program: a read of it after what the place waits for, or, in
// a branch of a condition, what a change there makes of it.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

// Optimizers may share a slot, which is that of the one that made it.
bool Keeps(const OptimizerSlots& optimizer, const VariableState* slot) {
  if (slot->slot->optimizer == &optimizer) return true;
  const MutexLock lock(optimizer.mutex);
  const auto shares = [slot](const auto& kept) {
    return std::any_of(kept.second.begin(), kept.second.end(),
                       [slot](const Slot& one) { return one.variable == slot; });
  };
  return std::any_of(optimizer.by_variable.begin(), optimizer.by_variable.end(), shares);
}

bool ChangesVariable(const Node& node, const VariableState* variable) {
  if (!node.def->changes_variables) return false;
  if (node.variable == variable ||
      std::count(node.initializes.begin(), node.initializes.end(), variable) > 0) {
    return true;
  }
  if (node.apply == nullptr) return false;
  if (variable->slot && Keeps(*node.apply->slots, variable)) return true;
  return std::any_of(node.apply->updates.begin(), node.apply->updates.end(),
                     [&](const ApplySpec::Update& update) { return update.variable == variable; });
}

void AddWaits(const Node& node, std::vector<Node*>& to) {
  for (const NodeOutput& input : node.inputs) to.push_back(input.node);
  to.insert(to.end(), node.control_inputs.begin(), node.control_inputs.end());
}

// True when anything is changed before an op outside of bodies.
bool FollowsChange(Node* node) {
  std::set<const Node*> seen;
  std::vector<Node*> stack = {node};
  while (!stack.empty()) {
    Node* const at = stack.back();
    stack.pop_back();
    if (!seen.insert(at).second) continue;
    if (at->def->changes_variables) return true;
    AddWaits(*at, stack);
  }
  return false;
}

// What there is before a place inside of bodies.
struct Before {
  std::vector<Node*> outside;  // the ops outside that it waits for, if they matter
  std::vector<Node*> changes;  // of the variable, inside, in creation order
};

Before FindBefore(const std::vector<Node*>& waits, const VariableState* variable) {
  const auto by_id = [](const Node* a, const Node* b) { return a->id < b->id; };
  Before before;
  std::set<Node*> seen;
  std::vector<Node*> stack;
  for (Node* node : waits) {
    if (node->body != nullptr) {
      stack.push_back(node);
    } else if (seen.insert(node).second) {
      before.outside.push_back(node);
    }
  }
  while (!stack.empty()) {
    Node* const node = stack.back();
    stack.pop_back();
    if (!seen.insert(node).second) continue;
    if (node->body == nullptr) {
      if (FollowsChange(node)) before.outside.push_back(node);
      continue;
    }
    if (ChangesVariable(*node, variable)) before.changes.push_back(node);
    AddWaits(*node, stack);
  }
  std::sort(before.outside.begin(), before.outside.end(), by_id);
  std::sort(before.changes.begin(), before.changes.end(), by_id);
  return before;
}

// What ops that are added to the body wait for because of what was open around it; not that around
// the outermost one, which what is outside waits for anyway.
void AddWaitsAround(const Body* body, std::vector<Node*>& to) {
  for (; body != nullptr && body->parent != nullptr; body = body->parent) {
    for (const std::vector<Node*>& open : body->outer_control) {
      to.insert(to.end(), open.begin(), open.end());
    }
  }
}

}  // namespace

bool GraphState::controlled() const {
  const auto is_open = [](const std::vector<Node*>& open) { return !open.empty(); };
  if (std::any_of(control_.begin(), control_.end(), is_open)) return true;
  for (const Body* body = body_; body != nullptr; body = body->parent) {
    if (std::any_of(body->outer_control.begin(), body->outer_control.end(), is_open)) return true;
  }
  return false;
}

NodeOutput GraphState::AddRead(VariableState* variable, std::vector<Node*> after) {
  if (body_ != nullptr) {
    for (const std::vector<Node*>& open : control_) {
      after.insert(after.end(), open.begin(), open.end());
    }
    AddWaitsAround(body_, after);
    return ReadInBody(variable, after);
  }
  Node* const node = AddNode({.op = "ReadVariableOp",
                              .name = "ReadVariableOp",
                              .outputs = {{variable->dtype, variable->shape}},
                              .control_inputs = std::move(after),
                              .variable = variable});
  variable->ordered_reads.push_back({node, 0});
  return {node, 0};
}

// Without a change inside it is a read outside, before the run's own changes inside.
NodeOutput GraphState::ReadInBody(VariableState* variable, const std::vector<Node*>& after) {
  Before before = FindBefore(after, variable);
  if (before.changes.empty()) {
    const OutsideGuard outside(*this);
    return AddRead(variable, std::move(before.outside));
  }
  const Node& last = *before.changes.back();
  std::vector<Node*> waits;
  AddWaits(last, waits);
  if (FindBefore(waits, variable).changes.size() + 1 < before.changes.size()) {
    throw ValueError(absl::StrCat("variable ", variable->name, " is read after '",
                                  before.changes.front()->name, "' and '", last.name,
                                  "', which change it inside a branch of a condition without an "
                                  "order: let one wait for the other."));
  }
  return ChangedInBody(last);
}

// The change comes when the run's ops are done: what it makes of the variable is computed.
NodeOutput GraphState::ChangedInBody(const Node& change) {
  const absl::string_view op = change.def->name;
  const std::vector<Node*> after = {const_cast<Node*>(&change)};
  const bool assigns = op == "AssignVariableOp";
  const bool adds = op == "AssignAddVariableOp";
  // What a condition inside the branch may or may not change is not computed, either.
  if ((!assigns && !adds && op != "AssignSubVariableOp") || change.attrs.has("guarded")) {
    throw ValueError(absl::StrCat("'", change.name, "' (", op,
                                  ") has no value inside a branch of a condition: let the branch "
                                  "return what it computes, and read the variable outside."));
  }
  const Output given = Wrap(change.inputs[0]);
  if (assigns) {
    return {
        AddNode({.op = "Identity", .name = "value", .inputs = {given}, .control_inputs = after}),
        0};
  }
  std::vector<Node*> waits;
  AddWaits(change, waits);
  AddWaitsAround(change.body, waits);
  const Output before = Wrap(ReadInBody(change.variable, waits));
  return {AddNode({.op = adds ? "Add" : "Sub",
                   .name = "value",
                   .inputs = {before, given},
                   .control_inputs = after}),
          0};
}

NodeOutput GraphState::AsInput(const NodeOutput& output) {
  if (!output.node->def->changes_variables) return output;
  return AddRead(output.node->variable, {output.node});
}

}  // namespace varscope::internal
