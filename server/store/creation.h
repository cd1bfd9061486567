// What Store::Create makes at once: variables, and the names under which they belong together.
#ifndef VARSCOPE_SERVER_STORE_CREATION_H_
#define VARSCOPE_SERVER_STORE_CREATION_H_

#include <optional>
#include <string>
#include <vector>

#include "proto/core/contract.h"
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
// The slots of one variable, or the scalars of one optimizer; Store::BindOptimizer makes the keys.
struct BoundNames {
  std::string key;
  std::vector<std::string> variables;
};

struct CreationBatch {
  std::vector<NewVariable> variables;
  std::optional<PartitionedNames> partitioned;  // its parts may include older variables
  std::vector<BoundNames> slots;
  std::vector<BoundNames> scalars;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_CREATION_H_
