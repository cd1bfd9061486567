#include "client/checkpoint/stored.h"

#include <Eigen/Core>
#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/throw.h"
#include "proto/core/allocate.h"
#include "proto/core/shape_rules.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

template <typename Narrow>
void Widen(const std::vector<uint16_t>& from, Tensor& to) {
  float* const out = to.mutable_data<float>();
  for (size_t i = 0; i < from.size(); ++i) {
    out[i] = static_cast<float>(Eigen::numext::bit_cast<Narrow>(from[i]));
  }
}

}  // namespace

uint64_t StoredBytes(const Stored& stored, const Shape& shape, const std::string& where) {
  const absl::StatusOr<uint64_t> bytes = ByteSize(stored.dtype, shape);
  if (!bytes.ok()) throw DataLossError(absl::StrCat(where, ": ", bytes.status().message()));
  return *bytes / SizeOf(stored.dtype) * stored.element_size();
}

Tensor ReadStored(const Stored& stored, const Shape& shape, const std::string& where,
                  const std::function<void(std::span<std::byte>)>& read) {
  const uint64_t bytes = StoredBytes(stored, shape, where);
  absl::StatusOr<Tensor> tensor = TryAllocate(stored.dtype, shape);
  ThrowIfError(tensor.status());
  if (stored.type == StoredType::kAsDType) {
    if (bytes > 0) read({tensor->mutable_raw(), bytes});
    const auto* const first = reinterpret_cast<const uint8_t*>(tensor->raw());
    if (stored.dtype == DType::kBool &&
        std::any_of(first, first + bytes, [](uint8_t byte) { return byte > 1; })) {
      throw DataLossError(absl::StrCat(where, ": a bool is neither 0 nor 1"));
    }
    return *std::move(tensor);
  }
  std::vector<uint16_t> narrow(bytes / 2);
  if (bytes > 0) read(std::as_writable_bytes(std::span(narrow)));
  if (stored.type == StoredType::kHalf) {
    Widen<Eigen::half>(narrow, *tensor);
  } else {
    Widen<Eigen::bfloat16>(narrow, *tensor);
  }
  return *std::move(tensor);
}

}  // namespace varscope::checkpoint
