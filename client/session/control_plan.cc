#include "client/session/control_plan.h"

#include <map>
#include <utility>

namespace varscope::internal {
namespace {

// Follows what results of a body need, to its arguments and captures.
class BodyNeeds {
 public:
  explicit BodyNeeds(const Body& body) : body_(body) {}

  void Add(const NodeOutput& result) {
    if (result.node != nullptr) Visit(result);
    while (!stack_.empty()) {
      const Node* const node = stack_.back();
      stack_.pop_back();
      for (const NodeOutput& input : node->inputs) Visit(input);
      for (const Node* before : node->control_inputs) Push(before);
    }
  }
  // An argument, or a capture.
  bool Needs(const NodeOutput& output) const { return outputs_.contains(output); }
  bool Needs(const Node* arg) const { return nodes_.contains(arg); }

 private:
  void Visit(const NodeOutput& output) {
    outputs_.insert(output);
    Push(output.node);
  }
  void Push(const Node* node) {
    if (node->body == &body_ && nodes_.insert(node).second) stack_.push_back(node);
  }

  const Body& body_;
  std::set<NodeOutput> outputs_;
  std::set<const Node*> nodes_;
  std::vector<const Node*> stack_;
};

// What a condition or a loop must compute for the outputs that are used.
struct Needed {
  std::vector<int> outputs;       // of a loop, of its variables
  std::vector<BodyNeeds> bodies;  // as the node has them
};

// All of one that only has to run.
std::vector<int> UsedOutputs(const Node& node, const Uses& uses) {
  std::vector<int> used;
  for (int i = 0; i < static_cast<int>(node.outputs.size()); ++i) {
    if (uses.outputs.contains({const_cast<Node*>(&node), i})) used.push_back(i);
  }
  if (!used.empty()) return used;
  for (int i = 0; i < static_cast<int>(node.outputs.size()); ++i) used.push_back(i);
  return used;
}

bool IsLoop(const Node& node) { return node.def->name == "While"; }

Needed NeedsOfLoop(const Node& node, const Uses& uses) {
  const Body& condition = *node.bodies[0];
  const Body& body = *node.bodies[1];
  Needed needed{.outputs = {}, .bodies = {BodyNeeds(condition), BodyNeeds(body)}};
  std::set<int> live;
  for (int i : UsedOutputs(node, uses)) live.insert(i);
  needed.bodies[0].Add(condition.results[0]);
  for (size_t i = 0; i < condition.args.size(); ++i) {
    if (needed.bodies[0].Needs(condition.args[i])) live.insert(static_cast<int>(i));
  }
  for (size_t before = 0; before != live.size();) {
    before = live.size();
    for (int i : live) needed.bodies[1].Add(body.results[i]);
    for (size_t i = 0; i < body.args.size(); ++i) {
      if (needed.bodies[1].Needs(body.args[i])) live.insert(static_cast<int>(i));
    }
  }
  needed.outputs.assign(live.begin(), live.end());
  return needed;
}

Needed NeedsOf(const Node& node, const Uses& uses) {
  if (IsLoop(node)) return NeedsOfLoop(node, uses);
  Needed needed{.outputs = UsedOutputs(node, uses), .bodies = {}};
  for (const Body* body : node.bodies) {
    needed.bodies.emplace_back(*body);
    for (int i : needed.outputs) needed.bodies.back().Add(body->results[i]);
  }
  return needed;
}

// Of If the first input is the condition, of a loop they begin with the variables; then come the
// captures of both bodies.
size_t FirstCapture(const Node& node) { return IsLoop(node) ? node.bodies[1]->args.size() : 1; }

}  // namespace

std::set<int> UsedInputs(const Node& node, const Uses& uses) {
  const Needed needed = NeedsOf(node, uses);
  std::set<int> used;
  if (IsLoop(node)) {
    used.insert(needed.outputs.begin(), needed.outputs.end());
  } else {
    used.insert(0);
  }
  size_t next = FirstCapture(node);
  for (size_t b = 0; b < node.bodies.size(); ++b) {
    for (const NodeOutput& capture : node.bodies[b]->captures) {
      if (needed.bodies[b].Needs(capture)) used.insert(static_cast<int>(next));
      ++next;
    }
  }
  return used;
}

Uses FindUses(const std::vector<const Node*>& needed, const std::vector<NodeOutput>& fetches) {
  Uses uses;
  for (const NodeOutput& fetch : fetches) {
    uses.nodes.insert(fetch.node);
    if (fetch.index >= 0) uses.outputs.insert(fetch);
  }
  const auto use = [&](const NodeOutput& input) {
    uses.nodes.insert(input.node);
    uses.outputs.insert(input);
  };
  for (auto it = needed.rbegin(); it != needed.rend(); ++it) {
    const Node& node = **it;
    if (!uses.nodes.contains(&node)) continue;
    if (node.bodies.empty()) {
      for (const NodeOutput& input : node.inputs) use(input);
    } else {
      for (int i : UsedInputs(node, uses)) use(node.inputs[i]);
    }
    uses.nodes.insert(node.control_inputs.begin(), node.control_inputs.end());
  }
  return uses;
}

std::shared_ptr<const Plan::Control> CompileControl(const Node& node, const Uses& uses) {
  const Needed needed = NeedsOf(node, uses);
  auto control = std::make_shared<Plan::Control>();
  if (IsLoop(node)) control->variables = needed.outputs;
  size_t next = FirstCapture(node);
  for (size_t b = 0; b < node.bodies.size(); ++b) {
    const Body& body = *node.bodies[b];
    Plan::Body compiled;
    std::vector<NodeOutput> feeds;
    for (int i : control->variables) {
      // A condition does not see the variables that a gradient has added.
      if (static_cast<size_t>(i) >= body.args.size()) continue;
      feeds.push_back({body.args[i], 0});
      compiled.feeds.push_back(i);
    }
    for (const NodeOutput& capture : body.captures) {
      if (needed.bodies[b].Needs(capture)) {
        feeds.push_back(capture);
        compiled.feeds.push_back(static_cast<int>(next));
      }
      ++next;
    }
    std::vector<NodeOutput> fetches;
    if (IsLoop(node) && b == 0) {
      fetches.push_back(body.results[0]);
    } else {
      for (int i : needed.outputs) {
        if (body.results[i].node == nullptr) continue;
        fetches.push_back(body.results[i]);
        compiled.outputs.push_back(i);
      }
    }
    compiled.plan = std::make_shared<const Plan>(CompileBody(body, fetches, feeds));
    control->bodies.push_back(std::move(compiled));
  }
  return control;
}

}  // namespace varscope::internal
