// What limits leave for new variables.
#ifndef VARSCOPE_SERVER_CATALOG_ROOM_H_
#define VARSCOPE_SERVER_CATALOG_ROOM_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "server/catalog/name_table.h"
#include "server/store/variable.h"

namespace varscope::server {

// Bytes. A variable above max_variable is InvalidArgument; one whose value does not fit into what
// is left of max_total, or its names and texts into what is left of max_names, is
// ResourceExhausted. All are checked before memory is taken.
struct StoreLimits {
  uint64_t max_variable_bytes = uint64_t{16} << 30;
  uint64_t max_total_bytes = uint64_t{16} << 30;
  uint64_t max_names_bytes = uint64_t{16} << 30;
};

// Beside the variables of a table as it was. Not thread-safe.
class Room {
 public:
  Room(const StoreLimits& limits, const NameTable& there)
      : limits_(limits),
        there_bytes_(there.bytes()),
        there_overhead_(there.overhead()),
        there_(there.variables().size()),
        bytes_(there.bytes()),
        overhead_(there.overhead()) {}

  // For one variable more: OK, or as StoreLimits says, InvalidArgument also for a bad name or
  // shape. Says which variable, and whose. After an error it must not be used any more.
  absl::Status Take(const VariableDefinition& definition);

 private:
  const StoreLimits limits_;
  const uint64_t there_bytes_;
  const uint64_t there_overhead_;
  const size_t there_;
  uint64_t bytes_;  // with those that were taken for
  uint64_t overhead_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_ROOM_H_
