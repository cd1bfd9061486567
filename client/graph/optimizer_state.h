// What the server is told of an optimizer's state, and by what it knows it again. Thread-safe.
#ifndef VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_
#define VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_

#include <string>
#include <vector>

#include "client/graph/optimizer_slots.h"
#include "client/graph/remote_store.h"

namespace varscope::internal {

// Without hyperparameters and group.
OptimizerState StateOf(const OptimizerSlots& optimizer);

// Of a variable that it has met.
std::vector<std::string> SlotNamesOf(const OptimizerSlots& optimizer,
                                     const VariableState* variable);

// A step that updates nothing: the server makes what it does not have yet of the optimizer's state.
PushRequest::Step CreationOf(const OptimizerSlots& optimizer);

// All slots and non-slot variables that the graph knows, in the order of their creation.
std::vector<VariableState*> SlotsIn(GraphState& graph);

// The slots of one variable, or the non-slot variables of one optimizer, as the graph has them.
struct KeptState {
  const OptimizerSlots* optimizer;
  std::vector<const VariableState*> variables;  // in the rule's order
  std::vector<std::string> names;               // theirs, which the server is asked for
  bool non_slots = false;
  // The key (proto/naming/state_key.h) that the store has for it; and that of a state which earlier
  // workers made without naming it. Where that one has the same names, the server takes it instead.
  std::string key;
  std::string unnamed_key;
};
std::vector<KeptState> StatesIn(GraphState& graph);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_
