#include "proto/tensor/allocate.h"

#include <cstring>
#include <utility>

#include "proto/concurrency/parallel.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "proto/tensor/shape_rules.h"

namespace varscope {

namespace {

absl::StatusOr<Tensor> Allocate(DType dtype, const Shape& shape,
                                BlockRef (BlockPool::*take)(size_t)) {
  absl::StatusOr<uint64_t> bytes = ByteSize(dtype, shape);
  if (!bytes.ok()) return bytes.status();
  BlockRef block = ((*BlockPool::Process()).*take)(*bytes);
  if (!block) return MemoryAccount::Process().Refusal(*bytes);
  return Tensor::FromBlock(dtype, shape, std::move(block));
}

}  // namespace

absl::StatusOr<Tensor> TryAllocate(DType dtype, const Shape& shape) {
  return Allocate(dtype, shape, &BlockPool::TryTake);
}

absl::StatusOr<Tensor> AllocateAnyway(DType dtype, const Shape& shape) {
  return Allocate(dtype, shape, &BlockPool::TakeAnyway);
}

absl::Status TryMakeUnique(Tensor& tensor) {
  if (!tensor.defined() || tensor.unique()) return absl::OkStatus();
  absl::StatusOr<Tensor> copy = TryAllocate(tensor.dtype(), tensor.shape());
  if (!copy.ok()) return copy.status();
  ParallelFor(tensor.byte_size(), kParallelBytes, [&](size_t begin, size_t end) {
    std::memcpy(copy->mutable_raw() + begin, tensor.raw() + begin, end - begin);
  });
  tensor = *std::move(copy);
  return absl::OkStatus();
}

}  // namespace varscope
