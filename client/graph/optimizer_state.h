// What the server is told of an optimizer's state.
#ifndef VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_
#define VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_

#include <string>
#include <vector>

#include "client/graph/apply_spec.h"
#include "client/graph/optimizer_slots.h"
#include "client/graph/remote_store.h"

namespace varscope::internal {

// Without hyperparameters and group.
inline OptimizerState StateOf(const ApplySpec& spec) {
  return {.optimizer = spec.optimizer,
          .hyperparameters = {},
          .name = spec.slot_name,
          .instance = spec.slots->instance,
          .group = "",
          .non_slots = spec.slots->non_slots};
}

inline std::vector<std::string> SlotNamesOf(const ApplySpec& spec, const VariableState* variable) {
  std::vector<std::string> names;
  for (const SlotName& slot : spec.slots->by_variable.at(variable)) {
    names.push_back(slot.Of(*variable));
  }
  return names;
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPTIMIZER_STATE_H_
