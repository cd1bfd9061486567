#include "client/graph/body.h"

#include <algorithm>
#include <set>
#include <utility>

#include "client/graph/node.h"
#include "client/graph/state.h"

namespace varscope::internal {
namespace {

// From the results over all ops of the body itself.
class Finder {
 public:
  explicit Finder(const Body& body) : body_(body) {}

  void Find(const std::vector<NodeOutput>& results) {
    for (const NodeOutput& result : results) {
      if (result.node != nullptr) Use(result);
    }
    while (!stack_.empty()) {
      const Node* const node = stack_.back();
      stack_.pop_back();
      for (const NodeOutput& input : node->inputs) Use(input);
      for (Node* before : node->control_inputs) WaitFor(before);
    }
  }

  std::set<NodeOutput> captures;
  std::set<Node*> waits_for;
  std::set<Node*> effects;

 private:
  void Use(const NodeOutput& input) {
    if (input.node->body == &body_) {
      Visit(input.node);
    } else {
      captures.insert(input);
    }
  }
  void WaitFor(Node* before) {
    if (before->body == &body_) {
      Visit(before);
    } else {
      waits_for.insert(before);
    }
  }
  void Visit(Node* node) {
    if (!seen_.insert(node).second) return;
    if (node->def->changes_variables) effects.insert(node);
    stack_.push_back(node);
  }

  const Body& body_;
  std::set<const Node*> seen_;
  std::vector<const Node*> stack_;
};

bool ById(const Node* a, const Node* b) { return a->id < b->id; }

template <typename Set>
std::vector<Node*> Sorted(const Set& nodes) {
  std::vector<Node*> sorted(nodes.begin(), nodes.end());
  std::sort(sorted.begin(), sorted.end(), ById);
  return sorted;
}

}  // namespace

bool IsInside(const Node& node, const Body& body) {
  for (const Body* at = node.body; at != nullptr; at = at->parent) {
    if (at == &body) return true;
  }
  return false;
}

bool IsVisible(const Node& node, const Body* body) {
  if (node.body == nullptr) return true;
  for (; body != nullptr; body = body->parent) {
    if (node.body == body) return true;
  }
  return false;
}

namespace {

uint64_t Open(GraphState& graph, const char* what, Body* body,
              std::vector<std::vector<Node*>> control) {
  const auto restore = [&graph, outer = graph.body(), before = graph.control()] {
    graph.SetBody(outer);
    graph.control() = before;
  };
  const uint64_t id = graph.open_scopes().Open(what, restore);
  graph.SetBody(body);
  graph.control() = std::move(control);
  return id;
}

}  // namespace

void Finish(GraphState& graph, Body& body, std::vector<NodeOutput> results) {
  for (NodeOutput& result : results) {
    result = graph.AsInput(result);
    graph.CheckVisible(*result.node, "a result");
  }
  Finder finder(body);
  finder.Find(results);
  body.results = std::move(results);
  body.captures.assign(finder.captures.begin(), finder.captures.end());
  std::sort(body.captures.begin(), body.captures.end(),
            [](const NodeOutput& a, const NodeOutput& b) {
              return std::pair(a.node->id, a.index) < std::pair(b.node->id, b.index);
            });
  body.waits_for = Sorted(finder.waits_for);
  body.effects = Sorted(finder.effects);
}

uint64_t OpenBody(GraphState& graph, Body* body) {
  if (graph.body() == body->parent) body->outer_control = graph.control();
  return Open(graph, "the body of a condition or a loop", body, {});
}

uint64_t OpenOutside(GraphState& graph) {
  const Body* outermost = graph.body();
  while (outermost != nullptr && outermost->parent != nullptr) outermost = outermost->parent;
  return Open(graph, "what is outside of bodies", nullptr,
              outermost == nullptr ? graph.control() : outermost->outer_control);
}

}  // namespace varscope::internal
