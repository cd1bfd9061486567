#include "proto/naming/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace varscope {
namespace {

constexpr absl::string_view kOpNamePattern = R"(^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$)";
constexpr absl::string_view kScopeNamePattern = R"(^[A-Za-z0-9_.\\/>-]*$)";

bool IsScopeChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("_.\\/>-").find(c) != absl::string_view::npos;
}

// How many bytes the UTF-8 character has with which `text`, which is not empty, begins; 0: none. No
// longer form than it needs, no surrogate, nothing above U+10FFFF.
size_t CharacterBytes(absl::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t bytes = first < 0xc2   ? 0
                       : first < 0xe0 ? 2
                       : first < 0xf0 ? 3
                       : first < 0xf5 ? 4
                                      : 0;
  if (bytes == 0 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool too_long = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
  const bool no_character = (first == 0xed && at(1) >= 0xa0) || (first == 0xf4 && at(1) >= 0x90);
  return too_long || no_character ? 0 : bytes;
}

}  // namespace

bool IsValidScopeName(absl::string_view name) {
  return std::all_of(name.begin(), name.end(), IsScopeChar);
}

bool IsValidOpName(absl::string_view name) {
  if (name.empty()) return false;
  const bool first = absl::ascii_isalnum(static_cast<unsigned char>(name[0])) || name[0] == '.';
  return first && IsValidScopeName(name);
}

absl::Status ValidateScopeName(absl::string_view name, bool at_root) {
  if (at_root ? IsValidOpName(name) : IsValidScopeName(name)) return absl::OkStatus();
  const absl::string_view root = at_root ? "root " : "";
  return absl::InvalidArgumentError(absl::StrCat("'", Printable(name), "' is not a valid ", root,
                                                 "scope name. A ", root,
                                                 "scope name has to match the following pattern: ",
                                                 at_root ? kOpNamePattern : kScopeNamePattern));
}

absl::Status ValidateOpName(absl::string_view name) {
  if (IsValidOpName(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", Printable(name),
                                                 "' is not a valid node name. It has to match the "
                                                 "following pattern: ",
                                                 kOpNamePattern));
}

absl::Status ValidateVariableName(absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("a variable's name must not be empty");
  if (name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the variable name '", Printable(name), "' has ",
                                                   name.size(), " bytes, at most ", kMaxNameBytes,
                                                   " are allowed"));
  }
  if (!IsValidOpName(name)) {
    return absl::InvalidArgumentError(absl::StrCat("'", Printable(name),
                                                   "' is not a valid variable name. It has to "
                                                   "match the following pattern: ",
                                                   kOpNamePattern));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> VariableOf(absl::string_view text) {
  const absl::string_view name = text.substr(0, text.find(':'));
  if (name.size() == text.size() || text.substr(name.size()) == ":0") return std::string(name);
  return absl::InvalidArgumentError(absl::StrCat(
      "'", Printable(text), "' is no variable: its value is named '", Printable(name), ":0'"));
}

absl::Status ValidateWorkerId(absl::string_view id) {
  if (id.empty()) {
    return absl::InvalidArgumentError("a worker needs an id: 1 to 256 printable characters");
  }
  const bool printable =
      std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 127; });
  if (id.size() > 256 || !printable) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Printable(id),
                     "' is not a worker id: 1 to 256 printable ASCII characters, no blanks"));
  }
  return absl::OkStatus();
}

std::string Printable(absl::string_view name) {
  constexpr size_t kLimit = 64;
  std::string out = absl::CHexEscape(name.substr(0, kLimit));
  if (name.size() > kLimit) out += "...";
  return out;
}

std::string PrintablePath(absl::string_view path) {
  constexpr size_t kLimit = 200;
  if (path.size() <= kLimit) return absl::CHexEscape(path);
  return "..." + absl::CHexEscape(path.substr(path.size() - kLimit));
}

std::string Utf8(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    const absl::string_view next = text.substr(0, std::max<size_t>(bytes, 1));
    absl::StrAppend(&out, bytes > 0 ? std::string(next) : absl::CHexEscape(next));
    text.remove_prefix(next.size());
  }
  return out;
}

bool IsUnder(absl::string_view prefix, absl::string_view name) {
  if (prefix.empty() || name == prefix) return true;
  return name.size() > prefix.size() && name[prefix.size()] == '/' &&
         name.substr(0, prefix.size()) == prefix;
}

bool IsMadeOf(absl::string_view base, absl::string_view name) {
  if (!absl::ConsumePrefix(&name, base)) return false;
  while (absl::ConsumePrefix(&name, "_")) {
    const size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
    if (digits == 0 || name[0] == '0') return false;
    name.remove_prefix(digits);
  }
  return name.empty();
}

}  // namespace varscope
