#include "client/checkpoint/stored.h"

#include <Eigen/Core>
#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/throw.h"
#include "proto/core/allocate.h"
#include "proto/core/shape_rules.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

using Bytes = std::vector<std::byte>;

template <typename Narrow, typename Wide>
void Widen(const Bytes& from, Tensor& to) {
  Wide* const out = to.mutable_data<Wide>();
  for (size_t i = 0; i < from.size() / sizeof(Narrow); ++i) {
    Narrow value{};
    std::memcpy(&value, from.data() + i * sizeof(Narrow), sizeof(Narrow));
    out[i] = static_cast<Wide>(value);
  }
}

void Widen(StoredType type, const Bytes& from, Tensor& to) {
  switch (type) {
    case StoredType::kAsDType:
      break;
    case StoredType::kHalf:
      return Widen<Eigen::half, float>(from, to);
    case StoredType::kBfloat16:
      return Widen<Eigen::bfloat16, float>(from, to);
    case StoredType::kInt8:
      return Widen<int8_t, int32_t>(from, to);
    case StoredType::kInt16:
      return Widen<int16_t, int32_t>(from, to);
    case StoredType::kUint16:
      return Widen<uint16_t, int32_t>(from, to);
    case StoredType::kUint32:
      return Widen<uint32_t, int64_t>(from, to);
  }
}

// Makes big-endian elements little-endian.
void SwapBytes(std::span<std::byte> bytes, size_t element) {
  for (; bytes.size() >= element; bytes = bytes.subspan(element)) {
    std::reverse(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(element));
  }
}

}  // namespace

size_t Stored::element_size() const {
  switch (type) {
    case StoredType::kAsDType:
      break;
    case StoredType::kInt8:
      return 1;
    case StoredType::kHalf:
    case StoredType::kBfloat16:
    case StoredType::kInt16:
    case StoredType::kUint16:
      return 2;
    case StoredType::kUint32:
      return 4;
  }
  return SizeOf(dtype);
}

uint64_t StoredBytes(const Stored& stored, const Shape& shape, const std::string& where) {
  if (shape.rank() > Shape::kMaxRank) {
    throw InvalidArgumentError(absl::StrCat(
        where, " has ", shape.rank(), " dimensions, varscope's tensors at most ", Shape::kMaxRank));
  }
  const absl::StatusOr<uint64_t> bytes = ByteSize(stored.dtype, shape);
  if (!bytes.ok()) throw DataLossError(absl::StrCat(where, ": ", bytes.status().message()));
  return *bytes / SizeOf(stored.dtype) * stored.element_size();
}

Tensor ReadStored(const Stored& stored, const Shape& shape, const std::string& where,
                  const std::function<void(std::span<std::byte>)>& read) {
  const uint64_t bytes = StoredBytes(stored, shape, where);
  absl::StatusOr<Tensor> tensor = TryAllocate(stored.dtype, shape);
  ThrowIfError(tensor.status());
  const bool as_it_is = stored.type == StoredType::kAsDType;
  Bytes narrow(as_it_is ? 0 : bytes);
  const std::span<std::byte> into =
      as_it_is ? std::span(tensor->mutable_raw(), bytes) : std::span(narrow);
  if (bytes > 0) read(into);
  if (stored.big_endian) SwapBytes(into, stored.element_size());
  const auto is_bool = [](std::byte byte) { return byte <= std::byte{1}; };
  if (stored.dtype == DType::kBool && !std::all_of(into.begin(), into.end(), is_bool)) {
    throw DataLossError(absl::StrCat(where, ": a bool is neither 0 nor 1"));
  }
  Widen(stored.type, narrow, *tensor);
  return *std::move(tensor);
}

void ThrowNotHeld(const std::string& where, const std::string& dtype) {
  throw InvalidArgumentError(
      absl::StrCat(where, " has dtype ", dtype,
                   ", which varscope has not: save it as float32, float64, int32, int64, bool or "
                   "uint8"));
}

}  // namespace varscope::checkpoint
