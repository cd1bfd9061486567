// What a graph knows about one variable.
#ifndef VARSCOPE_CLIENT_GRAPH_VARIABLE_STATE_H_
#define VARSCOPE_CLIENT_GRAPH_VARIABLE_STATE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "varscope/graph.h"

namespace varscope::internal {

class GraphState;

struct VariableState {
  GraphState* graph = nullptr;
  std::string name;  // the store's name once resolved
  std::string key;   // what get_variable shares by; empty for Variable()
  DType dtype = DType::kInvalid;
  Shape shape;
  bool trainable = true;
  Definer definer;
  Operation handle;
  Output read;                        // what nothing orders: before the run's own writes
  std::vector<Output> ordered_reads;  // under control_dependencies, or of an assignment's output

  // What a Session still has to ask the server; absent once resolved.
  std::optional<Definition> pending;
  // The value that this worker computes and sends when it runs the initializer.
  std::optional<Output> deferred_value;
  std::optional<Tensor> deferred_tensor;

  // Partitioned: the parts, and how they were cut.
  std::vector<std::shared_ptr<VariableState>> parts;
  std::vector<int64_t> partitions;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_VARIABLE_STATE_H_
