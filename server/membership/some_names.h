// The names of a few out of many, for a message.
#ifndef VARSCOPE_SERVER_MEMBERSHIP_SOME_NAMES_H_
#define VARSCOPE_SERVER_MEMBERSHIP_SOME_NAMES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace varscope::server {

// Holds the first kMost that are added, and counts the others: what is said of thousands of workers
// stays a text that a person reads. Not thread-safe.
class SomeNames {
 public:
  static constexpr size_t kMost = 8;

  // Calls `name`, which returns a string, only for one that is held.
  template <typename Name>
  void Add(Name&& name) {
    if (names_.size() < kMost) {
      names_.push_back(name());
    } else {
      ++others_;
    }
  }

  // How many were added.
  size_t size() const { return names_.size() + others_; }

  // "a; b; 12 others".
  std::string Join(absl::string_view separator) const {
    std::string text = absl::StrJoin(names_, separator);
    if (others_ > 0) absl::StrAppend(&text, separator, others_, " others");
    return text;
  }

 private:
  std::vector<std::string> names_;
  size_t others_ = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMBERSHIP_SOME_NAMES_H_
