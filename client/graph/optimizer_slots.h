// What an optimizer keeps, as variables of the graph: its slots and non-slot variables, under
// TensorFlow's names.
#ifndef VARSCOPE_CLIENT_GRAPH_OPTIMIZER_SLOTS_H_
#define VARSCOPE_CLIENT_GRAPH_OPTIMIZER_SLOTS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/graph/variable_state.h"
#include "proto/concurrency/mutex.h"
#include "proto/naming/contract.h"
#include "proto/naming/creator.h"

namespace varscope::internal {

class GraphState;

// One slot of a variable. Its name goes around the variable's: "opt/" and "/Adam_1" make
// "opt/w/Adam_1".
struct Slot {
  VariableState* variable;
  std::string before;
  std::string after;
};
using Slots = std::vector<Slot>;

// What one optimizer has in one graph. Runs of a program's threads read what the mutex guards while
// another thread of the program may add to it. What it does not guard is there before the first
// variable is.
struct OptimizerSlots {
  std::string optimizer;                          // the server's name of the rule
  std::string name;                               // the optimizer's
  uint32_t instance = 0;                          // its number among those of its name
  std::map<std::string, double> hyperparameters;  // those that slots may begin with, and others
  Creator creator;
  mutable Mutex mutex;
  std::vector<VariableState*> non_slots ABSL_GUARDED_BY(mutex);        // "train/beta1_power"
  size_t slots_of_each ABSL_GUARDED_BY(mutex) = 0;                     // of a variable that has all
  std::vector<const VariableState*> variables ABSL_GUARDED_BY(mutex);  // as it met them
  std::map<const VariableState*, Slots> by_variable ABSL_GUARDED_BY(mutex);
};

// The slots that a graph's optimizers have by get_variable's rules.
class SlotKeys : public Definitions {
 public:
  std::optional<KnownVariable> FindVariable(const std::string& key) const override;
  std::optional<KnownPartitioned> FindPartitioned(const std::string&) const override { return {}; }

  // Null when there is none.
  VariableState* Find(const std::string& key) const;
  void Add(const std::string& key, VariableState* slot) { keys_.emplace(key, slot); }

 private:
  std::map<std::string, VariableState*> keys_;
};

// Makes what `optimizer` does not have yet for these variables, in the current scopes: its non-slot
// variables are named as Variable() does in the name scope; the slots of each `w` as
// get_variable("") does in variable_scope::with_default_name("w/<name>"). ValueError as
// get_variable's, where reuse does not allow it; what was made before that stays.
void AddSlots(GraphState& graph, OptimizerSlots& optimizer,
              const std::vector<const VariableState*>& variables);

// Names all slots anew, after the store has named their variables.
void RenameSlots(GraphState& graph);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPTIMIZER_SLOTS_H_
