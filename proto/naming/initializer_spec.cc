#include "varscope/initializer_spec.h"

#include <zlib.h>

#include <array>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace varscope {

namespace {

// As few digits as tell it from every other number.
std::string Exact(double number) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.begin(), text.end(), number).ptr};
}

}  // namespace

std::string ToString(const InitializerSpec& spec) {
  if (spec.kind == "value" && spec.value.defined()) {
    const auto* bytes = reinterpret_cast<const Bytef*>(spec.value.raw());
    const uLong sum = crc32_z(0, bytes, spec.value.byte_size());
    return absl::StrCat("value(crc32=", absl::Hex(sum, absl::kZeroPad8), ")");
  }
  std::vector<std::string> arguments;
  for (const auto& [name, value] : spec.parameters) {
    arguments.push_back(absl::StrCat(name, "=", Exact(value)));
  }
  if (!spec.mode.empty()) arguments.push_back(absl::StrCat("mode=", spec.mode));
  if (!spec.distribution.empty()) arguments.push_back("distribution=" + spec.distribution);
  if (spec.seed) arguments.push_back(absl::StrCat("seed=", *spec.seed));
  return absl::StrCat(spec.kind, "(", absl::StrJoin(arguments, ", "), ")");
}

}  // namespace varscope
