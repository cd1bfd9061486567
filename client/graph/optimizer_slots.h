// What an optimizer's slots and non-slot variables are called: TensorFlow's names, by the graph.
#ifndef VARSCOPE_CLIENT_GRAPH_OPTIMIZER_SLOTS_H_
#define VARSCOPE_CLIENT_GRAPH_OPTIMIZER_SLOTS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/graph/variable_state.h"
#include "proto/naming/contract.h"

namespace varscope::internal {

class GraphState;

// A slot's name around its variable's: "opt/" and "/Adam_1" make "opt/w/Adam_1".
struct SlotName {
  std::string before;
  std::string after;

  std::string Of(const VariableState& variable) const { return before + variable.name + after; }
};
using SlotNames = std::vector<SlotName>;

// What one optimizer has in one graph.
struct OptimizerSlots {
  uint32_t instance = 0;                        // its number among those of its name
  std::vector<std::string> non_slots;           // "train/beta1_power"
  std::vector<const VariableState*> variables;  // as it met them
  std::map<const VariableState*, SlotNames> by_variable;
};

// The slots that a graph's optimizers have by get_variable's rules.
class SlotKeys : public Definitions {
 public:
  std::optional<KnownVariable> FindVariable(const std::string& key) const override;
  std::optional<KnownPartitioned> FindPartitioned(const std::string&) const override { return {}; }

  void Add(const std::string& key, const KnownVariable& known) { keys_.emplace(key, known); }

 private:
  std::map<std::string, KnownVariable> keys_;
};

// Names what `slots` does not have yet of an optimizer `name`, in the current scopes: its
// `non_slots` as Variable() does in the name scope; so many slots of each `w` as get_variable("")
// does in variable_scope::with_default_name("w/<name>"). ValueError as get_variable's, where reuse
// does not allow it; what was named before that stays so.
void NameSlots(GraphState& graph, const std::string& name,
               const std::vector<std::string>& non_slots, size_t slots_of_each,
               const std::vector<const VariableState*>& variables, OptimizerSlots& slots);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPTIMIZER_SLOTS_H_
