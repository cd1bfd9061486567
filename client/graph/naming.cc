#include "client/graph/naming.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"

namespace varscope::internal {

std::string Names::Peek(const std::string& name) const {
  const std::string full = scope_.empty() ? name : absl::StrCat(scope_, "/", name);
  const std::string base = absl::AsciiStrToLower(full);
  const auto it = in_use_.find(base);
  if (it == in_use_.end()) return full;
  int suffix = it->second;
  while (in_use_.contains(absl::StrCat(base, "_", suffix))) ++suffix;
  return absl::StrCat(full, "_", suffix);
}

std::string Names::Unique(const std::string& name) {
  std::string unique = Peek(name);
  const std::string full = scope_.empty() ? name : absl::StrCat(scope_, "/", name);
  ++in_use_[absl::AsciiStrToLower(full)];
  in_use_.try_emplace(absl::AsciiStrToLower(unique), 1);
  return unique;
}

std::string Names::ForOp(const std::string& name) {
  if (absl::EndsWith(name, "/")) return name.substr(0, name.size() - 1);
  return Unique(name);
}

absl::Status Names::Validate(const std::string& scope_name) const {
  if (scope_name.empty()) return absl::OkStatus();
  return ValidateScopeName(scope_name, scope_.empty());
}

std::string Names::Enter(const std::string& name) {
  std::string previous = scope_;
  if (name.empty()) {
    scope_.clear();
  } else if (absl::EndsWith(name, "/")) {
    scope_ = name.substr(0, name.size() - 1);
  } else {
    scope_ = Unique(name);
  }
  return previous;
}

}  // namespace varscope::internal
