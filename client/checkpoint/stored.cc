#include "client/checkpoint/stored.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/graph/throw.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/elements.h"
#include "proto/tensor/shape_rules.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

// Makes big-endian elements little-endian.
void SwapBytes(std::span<std::byte> bytes, size_t element) {
  for (; bytes.size() >= element; bytes = bytes.subspan(element)) {
    std::reverse(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(element));
  }
}

}  // namespace

uint64_t StoredBytes(DType dtype, const Shape& shape, const std::string& where) {
  if (shape.rank() > Shape::kMaxRank) {
    throw InvalidArgumentError(absl::StrCat(
        where, " has ", shape.rank(), " dimensions, varscope's tensors at most ", Shape::kMaxRank));
  }
  const absl::StatusOr<uint64_t> bytes = ByteSize(dtype, shape);
  if (!bytes.ok()) throw DataLossError(absl::StrCat(where, ": ", bytes.status().message()));
  return *bytes;
}

Tensor ReadStored(DType dtype, const Shape& shape, const std::string& where,
                  const std::function<void(std::span<std::byte>)>& read, ByteOrder order) {
  const uint64_t bytes = StoredBytes(dtype, shape, where);
  absl::StatusOr<Tensor> tensor = TryAllocate(dtype, shape);
  ThrowIfError(tensor.status());
  const std::span<std::byte> into(tensor->mutable_raw(), bytes);
  if (bytes > 0) read(into);
  if (order == ByteOrder::kBigEndian) SwapBytes(into, SizeOf(dtype));
  if (AreValid(dtype, into)) return *std::move(tensor);
  throw DataLossError(absl::StrCat(where, ": a bool is neither 0 nor 1"));
}

void ThrowNotHeld(const std::string& where, const std::string& dtype) {
  const auto name = [](std::string* out, const DTypeInfo& info) { out->append(info.name); };
  throw InvalidArgumentError(absl::StrCat(where, " has dtype ", dtype,
                                          ", which varscope has not: save it as one of ",
                                          absl::StrJoin(kDTypes, ", ", name)));
}

}  // namespace varscope::checkpoint
