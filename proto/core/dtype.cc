#include "proto/core/dtype.h"

#include <array>

namespace varscope {
namespace {

struct Entry {
  DType dtype;
  absl::string_view name;
  size_t size;
};

constexpr std::array<Entry, 6> kEntries = {{
    {DType::kFloat32, "float32", 4},
    {DType::kFloat64, "float64", 8},
    {DType::kInt32, "int32", 4},
    {DType::kInt64, "int64", 8},
    {DType::kBool, "bool", 1},
    {DType::kUint8, "uint8", 1},
}};

const Entry* Find(DType dtype) {
  for (const Entry& entry : kEntries) {
    if (entry.dtype == dtype) return &entry;
  }
  return nullptr;
}

}  // namespace

size_t SizeOf(DType dtype) {
  const Entry* entry = Find(dtype);
  return entry == nullptr ? 0 : entry->size;
}

absl::string_view Name(DType dtype) {
  const Entry* entry = Find(dtype);
  return entry == nullptr ? "invalid" : entry->name;
}

std::optional<DType> ParseDType(absl::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace varscope
