// What Store::Create is to make; internal to server/store.
#ifndef VARSCOPE_SERVER_STORE_CREATION_H_
#define VARSCOPE_SERVER_STORE_CREATION_H_

#include <optional>

#include "server/store/store.h"

namespace varscope::server {

struct Store::Creation {
  VariableDefinition definition;
  std::optional<InitializerSpec> initializer;  // absent: uninitialized for now
  Shape full_shape;                            // the whole's, when this is a part
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_CREATION_H_
