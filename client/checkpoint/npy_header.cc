#include "client/checkpoint/npy_header.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace varscope::checkpoint {
namespace {

// Reads Python literals from the front of a text, as far as headers have them.
class Literals {
 public:
  explicit Literals(absl::string_view text) : left_(text) {}

  // Whether `symbol` comes next; it is then read.
  bool Take(absl::string_view symbol) {
    left_ = absl::StripLeadingAsciiWhitespace(left_);
    return absl::ConsumePrefix(&left_, symbol);
  }
  bool AtEnd() const { return absl::StripLeadingAsciiWhitespace(left_).empty(); }

  std::optional<std::string> TakeString() {
    left_ = absl::StripLeadingAsciiWhitespace(left_);
    if (left_.empty() || (left_[0] != '\'' && left_[0] != '"')) return std::nullopt;
    size_t end = 1;
    while (end < left_.size() && left_[end] != left_[0]) end += left_[end] == '\\' ? 2 : 1;
    if (end >= left_.size()) return std::nullopt;
    const std::string text(left_.substr(1, end - 1));
    left_.remove_prefix(end + 1);
    return text;
  }

  // Python 2 wrote 3L.
  std::optional<int64_t> TakeNumber() {
    left_ = absl::StripLeadingAsciiWhitespace(left_);
    size_t end = 0;
    while (end < left_.size() && absl::ascii_isdigit(left_[end])) ++end;
    int64_t number = 0;
    if (!absl::SimpleAtoi(left_.substr(0, end), &number)) return std::nullopt;
    if (left_[0] == '0' && number != 0) return std::nullopt;
    left_.remove_prefix(end);
    absl::ConsumePrefix(&left_, "L");
    return number;
  }

  std::optional<bool> TakeBool() {
    if (Take("True")) return true;
    if (Take("False")) return false;
    return std::nullopt;
  }

  // (), (2,) or (2, 3), of sizes.
  std::optional<std::vector<int64_t>> TakeShape() {
    std::vector<int64_t> dims;
    if (!Take("(")) return std::nullopt;
    bool comma = true;
    while (!Take(")")) {
      const std::optional<int64_t> dim = comma ? TakeNumber() : std::nullopt;
      if (!dim) return std::nullopt;
      dims.push_back(*dim);
      comma = Take(",");
    }
    // (2) is a number.
    if (dims.size() == 1 && !comma) return std::nullopt;
    return dims;
  }

  // A dtype: a string, or lists and tuples of strings and numbers, which are given as written.
  std::optional<std::string> TakeDescr() {
    left_ = absl::StripLeadingAsciiWhitespace(left_);
    if (std::optional<std::string> name = TakeString()) return name;
    const absl::string_view from = left_;
    std::string open;
    do {
      if (Take("[")) {
        open.push_back(']');
      } else if (Take("(")) {
        open.push_back(')');
      } else if (open.empty()) {
        return std::nullopt;
      } else if (Take(absl::string_view(&open.back(), 1))) {
        open.pop_back();
      } else if (!TakeString() && !TakeNumber() && !Take(",")) {
        return std::nullopt;
      }
    } while (!open.empty());
    return std::string(from.substr(0, from.size() - left_.size()));
  }

 private:
  absl::string_view left_;
};

// Reads the value of one key into its member.
bool TakeValue(const std::string& key, Literals& literals, NpyHeader& header) {
  const auto keep = [](auto value, auto& member) {
    if (value) member = *std::move(value);
    return value.has_value();
  };
  if (key == "descr") return keep(literals.TakeDescr(), header.descr);
  if (key == "fortran_order") return keep(literals.TakeBool(), header.fortran_order);
  return key == "shape" && keep(literals.TakeShape(), header.shape);
}

}  // namespace

std::optional<NpyHeader> ParseNpyHeader(absl::string_view text) {
  Literals literals(text);
  NpyHeader header;
  std::set<std::string> keys;
  if (!literals.Take("{")) return std::nullopt;
  bool comma = true;
  while (!literals.Take("}")) {
    const std::optional<std::string> key = comma ? literals.TakeString() : std::nullopt;
    if (!key || !literals.Take(":") || !keys.insert(*key).second ||
        !TakeValue(*key, literals, header)) {
      return std::nullopt;
    }
    comma = literals.Take(",");
  }
  if (keys.size() != 3 || !literals.AtEnd()) return std::nullopt;
  return header;
}

}  // namespace varscope::checkpoint
