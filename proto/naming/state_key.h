// How a store tells the states of optimizers apart: the slots of one variable, and the non-slot
// variables of one optimizer.
#ifndef VARSCOPE_PROTO_NAMING_STATE_KEY_H_
#define VARSCOPE_PROTO_NAMING_STATE_KEY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/strings/string_view.h"

namespace varscope {

// Whose state is meant.
struct StateIdentity {
  absl::string_view owner;      // whose slots; of non-slot variables the optimizer's first variable
  absl::string_view optimizer;  // the rule
  absl::string_view name;       // "Adam"
  uint32_t instance = 0;        // among those of that name
  std::span<const std::string> names;  // that were asked for; empty: the store's own
  size_t states = 0;
};

// The same text for the same state only. Where names were asked for, they are the identity instead
// of the optimizer's name and instance. Keys are on disk: they stay as they are.
std::string StateKey(const StateIdentity& identity);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_NAMING_STATE_KEY_H_
