#include "proto/naming/state_key.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace varscope {

// Optimizers that differ in kind or in number of slots never share state, whatever their names.
// Without given names the key ends with three lines: name, instance, number of states. Three given
// names that read like that get a line more. (All others are as they always were.)
std::string StateKey(const StateIdentity& identity) {
  const std::span<const std::string> names = identity.names;
  const std::string key = absl::StrCat(identity.owner, "\n", identity.optimizer, "\n");
  if (names.empty()) {
    return absl::StrCat(key, identity.name, "\n", identity.instance, "\n", identity.states);
  }
  uint32_t number = 0;
  const bool reads_as_none = names.size() == 3 && absl::SimpleAtoi(names[1], &number) &&
                             absl::SimpleAtoi(names[2], &number);
  return absl::StrCat(key, absl::StrJoin(names, "\n"), reads_as_none ? "\n" : "");
}

}  // namespace varscope
