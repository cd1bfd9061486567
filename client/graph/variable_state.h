// What a graph knows about one variable.
#ifndef VARSCOPE_CLIENT_GRAPH_VARIABLE_STATE_H_
#define VARSCOPE_CLIENT_GRAPH_VARIABLE_STATE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/graph/node_output.h"
#include "client/graph/remote_store.h"

namespace varscope::internal {

class GraphState;
struct OptimizerSlots;
struct VariableState;

// What an optimizer keeps for a variable, or for all that it trains. The server makes it.
struct SlotOf {
  const OptimizerSlots* optimizer;
  const VariableState* primary;  // whose slot it is; null: a non-slot variable
  std::string state;             // "m", "beta1_power"
  double first;                  // what its elements begin as
};

// Owned by the graph's VariableTable.
struct VariableState {
  GraphState* graph = nullptr;
  std::string name;  // the store's name once resolved
  std::string key;   // what get_variable shares by; empty for Variable()
  DType dtype = DType::kInvalid;
  Shape shape;
  bool trainable = true;
  Creator creator;
  Node* handle = nullptr;
  NodeOutput read;  // what nothing orders: before the run's own writes; no node: not made yet
  std::vector<NodeOutput> ordered_reads;  // under control_dependencies, or of an assignment

  // What a Session still has to ask the server; absent once resolved.
  std::optional<Definition> pending;
  // The value that this worker computes and sends when it runs the initializer.
  std::optional<NodeOutput> initial_output;
  std::optional<Tensor> initial_tensor;

  // Partitioned: the parts, and how the variable was split.
  std::vector<VariableState*> parts;
  std::vector<int64_t> partitions;

  std::optional<SlotOf> slot;  // absent: a variable of the program's own
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_VARIABLE_STATE_H_
