// An output of an op as the graph itself refers to it.
#ifndef VARSCOPE_CLIENT_GRAPH_NODE_OUTPUT_H_
#define VARSCOPE_CLIENT_GRAPH_NODE_OUTPUT_H_

#include <compare>

namespace varscope::internal {

struct Node;

// Owns nothing: valid as long as the graph. A handle is an Output; see handles.h.
struct NodeOutput {
  Node* node = nullptr;
  int index = 0;  // of a fetch that runs the op without a value: -1

  friend auto operator<=>(const NodeOutput&, const NodeOutput&) = default;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_NODE_OUTPUT_H_
