// Large blocks that are used again, because the first touch of a fresh page costs ten times a copy
// of its bytes.
#ifndef VARSCOPE_PROTO_TENSOR_BLOCK_POOL_H_
#define VARSCOPE_PROTO_TENSOR_BLOCK_POOL_H_

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "proto/concurrency/mutex.h"
#include "varscope/tensor.h"

namespace varscope {

// Thread-safe. Blocks may outlive it.
class BlockPool final : public BlockHome, public std::enable_shared_from_this<BlockPool> {
 public:
  // Smaller blocks are malloc's.
  static constexpr size_t kSmallest = size_t{64} << 10;

  // Keeps up to `max_kept` bytes of blocks that nobody needs, or one block above that, whose pages
  // the system may take when memory is short.
  explicit BlockPool(size_t max_kept) : max_kept_(max_kept) {}

  // The one that Tensor takes its memory from.
  static const std::shared_ptr<BlockPool>& Process();

  // A kept block of that size, or a new one; null when the memory cannot be had. Contents are
  // uninitialized.
  BlockRef TryTake(size_t size);
  // The same whatever the process's limit is (Block::AllocateAnyway).
  BlockRef TakeAnyway(size_t size);

  void Return(std::unique_ptr<Block> block) override;
  // Frees all kept blocks. Returns whether there were any.
  bool FreeKept();
  size_t kept() const;

 private:
  // `allocate` makes a new one.
  BlockRef Take(size_t size, std::unique_ptr<Block> (*allocate)(size_t));

  const size_t max_kept_;
  mutable Mutex mutex_;
  std::unordered_map<size_t, std::vector<std::unique_ptr<Block>>> free_ ABSL_GUARDED_BY(mutex_);
  size_t kept_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_BLOCK_POOL_H_
