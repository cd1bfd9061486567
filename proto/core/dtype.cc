#include "varscope/dtype.h"

#include <array>

namespace varscope {
namespace {

struct Entry {
  DType dtype;
  std::string name;
  size_t size;
};

const std::array<Entry, 6>& Entries() {
  static const auto* const entries = new std::array<Entry, 6>{{
      {DType::kFloat32, "float32", 4},
      {DType::kFloat64, "float64", 8},
      {DType::kInt32, "int32", 4},
      {DType::kInt64, "int64", 8},
      {DType::kBool, "bool", 1},
      {DType::kUint8, "uint8", 1},
  }};
  return *entries;
}

const Entry* Find(DType dtype) {
  for (const Entry& entry : Entries()) {
    if (entry.dtype == dtype) return &entry;
  }
  return nullptr;
}

}  // namespace

size_t SizeOf(DType dtype) {
  const Entry* entry = Find(dtype);
  return entry == nullptr ? 0 : entry->size;
}

const std::string& Name(DType dtype) {
  static const auto* const invalid = new std::string("invalid");
  const Entry* entry = Find(dtype);
  return entry == nullptr ? *invalid : entry->name;
}

std::optional<DType> ParseDType(const std::string& name) {
  for (const Entry& entry : Entries()) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace varscope
