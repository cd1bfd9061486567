#include "client/graph/body.h"

#include <utility>

#include "client/graph/state.h"

namespace varscope::internal {

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
