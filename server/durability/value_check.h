// A hash of the state, a piece at a time: each push in the log says what some of the bytes were
// that it left in one of its variables. The pieces go around, so that all that changes is looked
// at, every time for little: recovery and `varscopectl verify` compare them with what they made
// again.
#ifndef VARSCOPE_SERVER_DURABILITY_VALUE_CHECK_H_
#define VARSCOPE_SERVER_DURABILITY_VALUE_CHECK_H_

#include <cstdint>
#include <optional>
#include <span>

#include "server/store/variable.h"

namespace varscope::server {

// Which bytes of which variable.
struct ValueCheck {
  uint32_t variable = 0;  // its place in the push's write set (WriteSet in server/push/lock.h)
  uint32_t bytes = 0;
  uint64_t offset = 0;
};

// The one for the `turn`-th push: an eighth of a variable, at least 4 KiB and at most 1 MiB,
// because it is read while the variable is locked. None when the push writes no variable.
std::optional<ValueCheck> ChooseCheck(std::span<Variable* const> written, uint64_t turn);

// CRC32C of those bytes; of none of them where the variable is shorter. The caller holds the
// variable's lock.
uint32_t ChecksumOf(const Variable& variable, const ValueCheck& check)
    ABSL_SHARED_LOCKS_REQUIRED(variable.mutex);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_VALUE_CHECK_H_
