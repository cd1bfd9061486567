#include "client/graph/attrs.h"

#include <bit>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace varscope::internal {
namespace {

struct Printer {
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(int64_t v) const { return absl::StrCat(v); }
  // Hexadecimal floats are exact.
  std::string operator()(double v) const {
    return absl::StrCat(absl::Hex(std::bit_cast<uint64_t>(v)));
  }
  std::string operator()(const std::string& v) const { return v; }
  std::string operator()(const std::vector<int64_t>& v) const { return absl::StrJoin(v, ","); }
  std::string operator()(DType v) const { return std::string(Name(v)); }
  std::string operator()(const Shape& v) const { return v.ToString(); }
  std::string operator()(const Tensor& v) const {
    return absl::StrCat(absl::Hex(reinterpret_cast<uintptr_t>(v.raw())), v.shape().ToString());
  }
};

}  // namespace

std::string Fingerprint(const Attrs& attrs) {
  std::string out;
  for (const auto& [name, value] : attrs.values()) {
    absl::StrAppend(&out, name, "=", std::visit(Printer{}, value), ";");
  }
  return out;
}

}  // namespace varscope::internal
