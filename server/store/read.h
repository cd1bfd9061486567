// Reads the values of variables.
#ifndef VARSCOPE_SERVER_STORE_READ_H_
#define VARSCOPE_SERVER_STORE_READ_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/variable.h"
#include "varscope/tensor.h"

namespace varscope::server {

// Which rows of a variable to read; absent: all.
using ReadIndices = std::optional<std::vector<int64_t>>;

struct ReadValue {
  Tensor value;  // pinned: immutable as long as it is held; or a copy of the rows at the indices
  uint64_t version = 0;
};

// The values of `variables`, in their order: no update lies between any two. `rows`, unless empty,
// has an entry for each. FailedPrecondition for a variable whose value its creator has not sent
// yet, Aborted for one that a rollback has taken away; InvalidArgument names a row that the
// variable does not have; ResourceExhausted without memory for rows. Thread-safe.
absl::StatusOr<std::vector<ReadValue>> ReadTogether(std::span<Variable* const> variables,
                                                    std::span<const ReadIndices> rows = {});

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_READ_H_
