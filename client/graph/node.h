// One op of a graph, as the graph keeps it.
#ifndef VARSCOPE_CLIENT_GRAPH_NODE_H_
#define VARSCOPE_CLIENT_GRAPH_NODE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/graph/apply_spec.h"
#include "client/graph/attrs.h"
#include "client/graph/node_output.h"
#include "client/graph/op_def.h"
#include "client/graph/variable_state.h"
#include "varscope/graph.h"

namespace varscope::internal {

class GraphState;
struct Body;

// A gradient that the program gives an op: from those of its outputs, undefined where there is
// none, to those of its inputs.
using GivenGradient = std::function<std::vector<Output>(const std::vector<Output>&)>;

// Owned by its graph, which also owns what the pointers refer to.
struct Node {
  int id = 0;  // in creation order, which is a topological one
  std::string name;
  const OpDef* def = nullptr;
  Attrs attrs;
  std::vector<NodeOutput> inputs;
  std::vector<OutputSpec> outputs;
  std::vector<Node*> control_inputs;
  VariableState* variable = nullptr;        // of reads and assignments
  std::shared_ptr<const ApplySpec> apply;   // of ApplyGradients
  std::vector<VariableState*> initializes;  // of the initializer op
  GraphState* graph = nullptr;
  Body* body = nullptr;                           // that it is an op of; null: of the graph itself
  std::vector<Body*> bodies;                      // of If: then, else; of While: condition, body
  std::shared_ptr<const GivenGradient> gradient;  // in place of the op's own
};

// How a node is made; `name` as TensorFlow's create_op takes it: made unique in the current scope,
// or taken as it is when it ends with '/'.
struct NodeArgs {
  absl::string_view op;
  std::string name;
  std::vector<Output> inputs = {};
  Attrs attrs = {};
  std::vector<OutputSpec> outputs = {};  // for ops without a shape rule
  std::vector<Node*> control_inputs = {};
  VariableState* variable = nullptr;
  std::shared_ptr<const ApplySpec> apply = {};
  std::vector<Body*> bodies = {};
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_NODE_H_
