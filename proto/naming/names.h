// Which names variables, scopes, ops and workers may have.
#ifndef VARSCOPE_PROTO_NAMING_NAMES_H_
#define VARSCOPE_PROTO_NAMING_NAMES_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace varscope {

inline constexpr size_t kMaxNameBytes = 1024;

// ^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$ : TensorFlow's rule for ops and root scopes.
bool IsValidOpName(absl::string_view name);
// ^[A-Za-z0-9_.\\/>-]*$ : its rule for scopes inside another.
bool IsValidScopeName(absl::string_view name);

// OK, or InvalidArgument whose text (TensorFlow's) quotes the name shortened and escaped.
absl::Status ValidateScopeName(absl::string_view name, bool at_root);

// OK, or InvalidArgument with TensorFlow's text, for the whole name of an op.
absl::Status ValidateOpName(absl::string_view name);

// What the server asks of a variable's name: not empty, at most kMaxNameBytes, a valid op name.
absl::Status ValidateVariableName(absl::string_view name);

// The variable of which `text` is the name or, as TensorFlow writes it, the value: "w" and "w:0"
// are w. InvalidArgument for another output.
absl::StatusOr<std::string> VariableOf(absl::string_view text);

// A worker's id: 1 to 256 printable ASCII characters without blanks.
absl::Status ValidateWorkerId(absl::string_view id);

// At most 64 bytes of `name`, control and non-ASCII bytes escaped, fit for a log line.
std::string Printable(absl::string_view name);

// The same for a path, of which the last 200 bytes say most.
std::string PrintablePath(absl::string_view path);

// All of a text as a message's string may have it, which must be UTF-8: other bytes are escaped.
// Paths and arguments may have any.
std::string Utf8(absl::string_view text);

// Whether `name` is `prefix` or begins with it and a slash; the empty prefix has every name.
bool IsUnder(absl::string_view prefix, absl::string_view name);

// The element of `range` whose prefix, as `prefix_of(element)` gives it, is the longest that `name`
// is under; range.end() when there is none. The rule by which server and workers find a variable's
// group.
template <typename Range, typename PrefixOf>
auto FindLongestPrefix(Range&& range, const PrefixOf& prefix_of, absl::string_view name) {
  auto longest = range.end();
  for (auto it = range.begin(); it != range.end(); ++it) {
    const absl::string_view prefix = prefix_of(*it);
    if (!IsUnder(prefix, name)) continue;
    if (longest == range.end() || prefix.size() > prefix_of(*longest).size()) longest = it;
  }
  return longest;
}

}  // namespace varscope

#endif  // VARSCOPE_PROTO_NAMING_NAMES_H_
