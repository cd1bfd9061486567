#include "proto/core/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>

#include "absl/strings/str_cat.h"
#include "proto/core/block_pool.h"

namespace varscope {

std::unique_ptr<Block> Block::TryAllocate(size_t size) {
  const size_t rounded = (std::max<size_t>(size, 1) + kAlignment - 1) / kAlignment * kAlignment;
  if (rounded < size) return nullptr;
  auto* data = static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
  if (data == nullptr) return nullptr;
  return std::unique_ptr<Block>(new Block(data, size));
}

Block::~Block() { std::free(data_); }

BlockRef::BlockRef(std::unique_ptr<Block> block, std::shared_ptr<BlockHome> home)
    : block_(block.release()) {
  if (block_ == nullptr) return;
  block_->home_ = std::move(home);
  Add();
}

void BlockRef::Drop() {
  if (block_ == nullptr || block_->owners_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  std::unique_ptr<Block> last(std::exchange(block_, nullptr));
  if (const std::shared_ptr<BlockHome> home = std::move(last->home_)) home->Return(std::move(last));
}

absl::StatusOr<Tensor> Tensor::TryAllocate(DType dtype, const Shape& shape) {
  absl::StatusOr<uint64_t> bytes = ByteSize(dtype, shape);
  if (!bytes.ok()) return bytes.status();
  Tensor t;
  t.dtype_ = dtype;
  t.shape_ = shape;
  t.num_elements_ = static_cast<int64_t>(*bytes / SizeOf(dtype));
  t.block_ = BlockPool::Process()->TryTake(*bytes);
  if (!t.block_) {
    return absl::ResourceExhaustedError(absl::StrCat("no memory for ", *bytes, " bytes"));
  }
  return t;
}

Tensor::Tensor(DType dtype, Shape shape) {
  absl::StatusOr<Tensor> t = TryAllocate(dtype, shape);
  if (!t.ok()) throw std::bad_alloc();
  *this = *std::move(t);
}

Tensor Tensor::FromBlock(DType dtype, Shape shape, BlockRef block) {
  Tensor t;
  t.dtype_ = dtype;
  t.num_elements_ = shape.num_elements();
  t.shape_ = std::move(shape);
  t.block_ = std::move(block);
  return t;
}

Tensor Tensor::Reshaped(Shape shape) const {
  Tensor t = *this;
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::Clone() const {
  Tensor t(dtype_, shape_);
  std::memcpy(t.mutable_raw(), raw(), byte_size());
  return t;
}

int64_t FirstNonFinite(const Tensor& tensor) {
  int64_t found = -1;
  VisitDType(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      // The exponent of what is not finite is all ones: one vectorizable pass without branches
      // decides the common case.
      using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
      const Bits ones = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
      std::span<const T> values = tensor.values<T>();
      Bits any = 0;
      for (T x : values) any |= (std::bit_cast<Bits>(x) & ones) == ones ? 1 : 0;
      if (any == 0) return;
      for (size_t i = 0; i < values.size(); ++i) {
        if (std::isfinite(values[i])) continue;
        found = static_cast<int64_t>(i);
        return;
      }
    }
  });
  return found;
}

std::string Summarize(const Tensor& tensor, int64_t limit) {
  if (!tensor.defined()) return "<undefined>";
  std::string out = "[";
  VisitDType(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < tensor.num_elements() && i < limit; ++i) {
      absl::StrAppend(&out, i == 0 ? "" : " ");
      if constexpr (std::is_floating_point_v<T>) {
        absl::StrAppend(&out, tensor.data<T>()[i]);
      } else {
        absl::StrAppend(&out, static_cast<int64_t>(tensor.data<T>()[i]));
      }
    }
  });
  if (tensor.num_elements() > limit) absl::StrAppend(&out, " ...");
  return out + "]";
}

}  // namespace varscope
