// What the files of a data directory are called.
#ifndef VARSCOPE_SERVER_DURABILITY_FILE_NAMES_H_
#define VARSCOPE_SERVER_DURABILITY_FILE_NAMES_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace varscope::server {

// Locked by the server that has the directory.
inline constexpr char kLockName[] = "LOCK";
// What proves who a worker is (session_secret.h).
inline constexpr char kSecretName[] = "session-secret";
inline constexpr absl::string_view kSegmentPrefix = "log-";
inline constexpr absl::string_view kSnapshotPrefix = "snapshot-";
// Of the number after them: a position.
inline constexpr size_t kPositionDigits = 20;  // as absl::kZeroPad20 has

// The segment whose first record has the position `first`.
inline std::string SegmentName(uint64_t first) {
  return absl::StrCat(kSegmentPrefix, absl::Dec(first, absl::kZeroPad20));
}

// Of a snapshot without a name of its own; "-" and that follow.
inline std::string SnapshotName(uint64_t position) {
  return absl::StrCat(kSnapshotPrefix, absl::Dec(position, absl::kZeroPad20));
}

// The number in a name that begins with `prefix` and 20 digits; nothing for all other names.
inline std::optional<uint64_t> NumberAfter(absl::string_view prefix, absl::string_view name) {
  if (!absl::ConsumePrefix(&name, prefix) || name.size() < kPositionDigits) return std::nullopt;
  name = name.substr(0, kPositionDigits);
  uint64_t number = 0;
  const bool digits = std::all_of(name.begin(), name.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(name, &number)) return std::nullopt;
  return number;
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_FILE_NAMES_H_
