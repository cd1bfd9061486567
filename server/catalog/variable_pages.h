// A list of variables by pages, so that nobody waits for the whole of it.
#ifndef VARSCOPE_SERVER_CATALOG_VARIABLE_PAGES_H_
#define VARSCOPE_SERVER_CATALOG_VARIABLE_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/catalog/catalog.h"
#include "server/catalog/name_table.h"
#include "server/store/variable.h"

namespace varscope::server {

// Those that there are when it begins, oldest first. The catalog, which outlives it, is locked for
// one page at a time, and the list keeps no other. Not thread-safe.
class VariablePages {
 public:
  // Few enough that nobody notices the wait.
  static constexpr size_t kPage = 256;

  // Of all variables.
  explicit VariablePages(const Catalog& catalog);
  // NameTable::SlotsOf.
  static VariablePages OfSlots(const Catalog& catalog, std::string primary);

  // The next, at most kPage; none: that was all. Aborted, with what to do, when a rollback has
  // taken the store's place since the list began.
  absl::StatusOr<std::vector<VariablePtr>> Next();

 private:
  // To which the table only adds.
  using Which = std::function<const std::vector<VariablePtr>&(const NameTable&)>;
  VariablePages(const Catalog& catalog, Which which);

  const Catalog* catalog_;
  Which which_;
  uint64_t generation_ = 0;
  size_t next_ = 0;
  size_t end_ = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_VARIABLE_PAGES_H_
