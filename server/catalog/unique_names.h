// Names for what one creation makes.
#ifndef VARSCOPE_SERVER_CATALOG_UNIQUE_NAMES_H_
#define VARSCOPE_SERVER_CATALOG_UNIQUE_NAMES_H_

#include <cstdint>
#include <string>
#include <unordered_set>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "server/catalog/name_table.h"

namespace varscope::server {

// Unique in the table, which outlives it and does not change meanwhile, and among themselves.
class UniqueNames {
 public:
  explicit UniqueNames(const NameTable& there) : there_(there) {}

  // `name`, or with the first of _1, _2, ... that makes a free one of it. Nobody gets it again.
  // However often the same is asked for, each suffix is looked at once.
  std::string Take(const std::string& name) {
    std::string candidate = name;
    if (!IsFree(candidate)) {
      uint64_t& next = next_suffix_.try_emplace(name, there_.FreeSuffix(name)).first->second;
      do {
        candidate = absl::StrCat(name, "_", next++);
      } while (!IsFree(candidate));
    }
    taken_.insert(candidate);
    return candidate;
  }

 private:
  bool IsFree(const std::string& name) const { return !there_.Has(name) && !taken_.contains(name); }

  const NameTable& there_;
  std::unordered_set<std::string, absl::Hash<std::string>> taken_;
  // Where the search goes on: all before it are taken. By the name without a suffix.
  NameTable::Map<std::string, uint64_t> next_suffix_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_UNIQUE_NAMES_H_
