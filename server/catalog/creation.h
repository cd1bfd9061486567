// What the catalog creates at once: variables, and the names under which they belong together.
#ifndef VARSCOPE_SERVER_CATALOG_CREATION_H_
#define VARSCOPE_SERVER_CATALOG_CREATION_H_

#include <optional>
#include <string>
#include <vector>

#include "proto/naming/contract.h"
#include "server/store/variable.h"
#include "varscope/initializer_spec.h"

namespace varscope::server {

struct NewVariable {
  VariableDefinition definition;
  std::optional<InitializerSpec> initializer;  // absent: uninitialized for now
  Shape full_shape;                            // the whole's, when this is a part
};

// Variables by their names, in order.
struct PartitionedNames {
  std::string key;
  KnownPartitioned known;
  std::vector<std::string> parts;
};
// The slots of one variable, or the non-slot variables of one optimizer; GetOrCreateSlots
// makes the keys.
struct StateNames {
  std::string key;
  std::vector<std::string> variables;
};

struct CreationBatch {
  std::vector<NewVariable> variables;
  std::optional<PartitionedNames> partitioned;  // its parts may include older variables
  std::vector<StateNames> slots;
  std::vector<StateNames> non_slots;

  bool empty() const { return variables.empty() && !partitioned; }
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_CREATION_H_
