#include "proto/tensor/rows.h"

#include <algorithm>
#include <bit>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/parallel.h"

namespace varscope {
namespace {

// A row of a large table is in no cache: several are asked for while one is copied.
constexpr size_t kAhead = 16;
constexpr size_t kCacheLine = 64;
// Less is copied before another thread wakes.
constexpr size_t kGrainBytes = size_t{128} << 10;

void Prefetch(const std::byte* row, size_t bytes) {
  for (size_t at = 0; at < bytes; at += kCacheLine) __builtin_prefetch(row + at);
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ToIndices(const Tensor& rows) {
  std::vector<int64_t> numbers(rows.num_elements());
  if (rows.dtype() == DType::kInt32) {
    std::copy_n(rows.data<int32_t>(), numbers.size(), numbers.begin());
    return numbers;
  }
  if (rows.dtype() == DType::kInt64) {
    std::copy_n(rows.data<int64_t>(), numbers.size(), numbers.begin());
    return numbers;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("indices are ", Name(rows.dtype()), ", not int32 or int64"));
}

int64_t RowSize(const Shape& tensor) {
  const int64_t rows = tensor.dim(0);
  return rows == 0 ? 0 : tensor.num_elements() / rows;
}

absl::Status CheckRows(const Shape& tensor, std::span<const int64_t> rows) {
  for (const int64_t row : rows) {
    if (row >= 0 && row < tensor.dim(0)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("row ", row, " is not in [0, ", tensor.dim(0), ")"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Shape> RowsShape(const Shape& tensor, int64_t count) {
  if (tensor.rank() == 0) return absl::InvalidArgumentError("a scalar has no rows");
  std::vector<int64_t> dims = tensor.dims();
  dims[0] = count;
  return Shape(std::move(dims));
}

RowIndex IndexRows(std::span<const int64_t> rows) {
  constexpr uint32_t kFree = UINT32_MAX;
  RowIndex index;
  index.of.reserve(rows.size());
  // Linear probing in a table that is half empty, of the standard library: Abseil's of 2022 are
  // broken once they cannot have memory. The hash differs from process to process, so nobody can
  // choose rows that collide.
  std::vector<uint32_t> places(std::bit_ceil(2 * rows.size() + 1), kFree);
  for (const int64_t row : rows) {
    size_t at = absl::HashOf(row) & (places.size() - 1);
    while (places[at] != kFree && index.distinct[places[at]] != row) {
      at = (at + 1) & (places.size() - 1);
    }
    if (places[at] == kFree) {
      places[at] = static_cast<uint32_t>(index.distinct.size());
      index.distinct.push_back(row);
    }
    index.of.push_back(places[at]);
  }
  return index;
}

void CopyRows(const Tensor& from, std::span<const int64_t> rows, Tensor& to) {
  const size_t bytes = RowSize(from.shape()) * SizeOf(from.dtype());
  if (bytes == 0) return;
  const std::byte* const source = from.raw();
  std::byte* const target = to.mutable_raw();
  ParallelFor(rows.size(), std::max<size_t>(1, kGrainBytes / bytes), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      if (i + kAhead < end)
        Prefetch(source + rows[i + kAhead] * bytes, std::min<size_t>(bytes, 512));
      std::memcpy(target + i * bytes, source + rows[i] * bytes, bytes);
    }
  });
}

}  // namespace varscope
