// What conditions and loops are made of, for their gradients.
#ifndef VARSCOPE_CLIENT_GRAPH_CONTROL_FLOW_H_
#define VARSCOPE_CLIENT_GRAPH_CONTROL_FLOW_H_

#include <string>
#include <vector>

#include "client/graph/body.h"
#include "client/graph/node.h"
#include "client/graph/state.h"

namespace varscope::internal {

inline const OutputSpec& SpecOf(const NodeOutput& output) {
  return output.node->outputs[output.index];
}

// True for an output that is a list of tensors.
bool IsList(const NodeOutput& output);

// A new argument of a body, which is added to at the moment.
Node* AddArg(GraphState& graph, const OutputSpec& spec, bool list, const std::string& name);

// The ops of finished bodies. Their changes of variables become ops beside If.
Node* MakeIf(GraphState& graph, const NodeOutput& condition, Body* then, Body* otherwise);
Node* MakeWhile(GraphState& graph, const std::vector<NodeOutput>& first, Body* condition,
                Body* body);

// A further output of If, which is what the branch has as `result`: the number of the output.
int AddOutput(Node& node, size_t branch, const NodeOutput& result);
// A further variable of While: the number of it. `arg` is its argument in the body.
int AddVariable(Node& node, const NodeOutput& first, Node* arg, const NodeOutput& result);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_CONTROL_FLOW_H_
