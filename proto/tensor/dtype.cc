#include "varscope/dtype.h"

#include <array>

namespace varscope {
namespace {

// Of kInvalid, and then of each dtype.
std::array<std::string, std::size(kDTypes) + 1> AllNames() {
  std::array<std::string, std::size(kDTypes) + 1> names;
  names[0] = "invalid";
  for (size_t i = 0; i < std::size(kDTypes); ++i) names[i + 1] = kDTypes[i].name;
  return names;
}

}  // namespace

const std::string& Name(DType dtype) {
  static const auto* const names = new std::array(AllNames());
  return (*names)[IsDType(dtype) ? static_cast<size_t>(dtype) : 0];
}

std::optional<DType> ParseDType(const std::string& name) {
  for (const DTypeInfo& info : kDTypes) {
    if (name == info.name) return info.dtype;
  }
  return std::nullopt;
}

}  // namespace varscope
