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

// Whether `name` is `base`, or what becomes of `base` where that is taken: base_1, base_1_2.
bool IsMadeOf(absl::string_view base, absl::string_view name);

// Whether a group of variables with that prefix has the variable `name`, unless one with a longer
// prefix has it: a name that was made unique stays in the group of the one that was asked for.
inline bool IsOfGroup(absl::string_view prefix, absl::string_view name) {
  return IsUnder(prefix, name) || IsMadeOf(prefix, name);
}

// The element of `range` whose prefix, as `prefix_of(element)` gives it, is the longest that has
// `name`; range.end() when none has.
template <typename Range, typename PrefixOf>
auto FindLongestPrefix(Range&& range, const PrefixOf& prefix_of, absl::string_view name,
                       bool (*has)(absl::string_view, absl::string_view) = IsUnder) {
  auto longest = range.end();
  for (auto it = range.begin(); it != range.end(); ++it) {
    const absl::string_view prefix = prefix_of(*it);
    if (!has(prefix, name)) continue;
    if (longest == range.end() || prefix.size() > prefix_of(*longest).size()) longest = it;
  }
  return longest;
}

// The rule by which server and workers find a variable's group: by its name alone. As
// FindLongestPrefix.
template <typename Range, typename PrefixOf>
auto FindGroupOf(Range&& range, const PrefixOf& prefix_of, absl::string_view name) {
  return FindLongestPrefix(range, prefix_of, name, IsOfGroup);
}

}  // namespace varscope

#endif  // VARSCOPE_PROTO_NAMING_NAMES_H_
