#include "proto/tensor/block_pool.h"

#include <cstdlib>
#include <utility>

#include "proto/memory/memory_account.h"

namespace varscope {
namespace {

constexpr size_t kProcessMaxKept = size_t{512} << 20;

// AddressSanitizer finds uses of memory that was given back, which pooling would hide from it.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kPools = false;
#else
constexpr bool kPools = true;
#endif

// gRPC's buffers come and go in sizes that malloc would map and unmap each time. It keeps such
// sizes once a block that was mapped has been freed (glibc's dynamic threshold, at most 32 MiB),
// unless the program or the environment has set the threshold.
void TeachMalloc() {
  constexpr size_t kLargest = size_t{31} << 20;
  void* volatile largest = std::malloc(kLargest);
  std::free(largest);
}

}  // namespace

const std::shared_ptr<BlockPool>& BlockPool::Process() {
  static const auto* const pool = [] {
    TeachMalloc();
    MemoryAccount::Process().SetReclaim([] { return Process()->FreeKept(); });
    return new std::shared_ptr<BlockPool>(std::make_shared<BlockPool>(kProcessMaxKept));
  }();
  return *pool;
}

BlockRef BlockPool::TryTake(size_t size) { return Take(size, Block::TryAllocate); }

BlockRef BlockPool::TakeAnyway(size_t size) { return Take(size, Block::AllocateAnyway); }

BlockRef BlockPool::Take(size_t size, std::unique_ptr<Block> (*allocate)(size_t)) {
  if (!kPools || size < kSmallest) return BlockRef(allocate(size));
  {
    MutexLock lock(mutex_);
    const auto it = free_.find(size);
    if (it != free_.end() && !it->second.empty()) {
      std::unique_ptr<Block> block = std::move(it->second.back());
      it->second.pop_back();
      kept_ -= size;
      return BlockRef(std::move(block), shared_from_this());
    }
  }
  std::unique_ptr<Block> block = allocate(size);
  if (block == nullptr) return BlockRef();
  return BlockRef(std::move(block), shared_from_this());
}

void BlockPool::Return(std::unique_ptr<Block> block) {
  const size_t size = block->size();
  if (size > max_kept_) block->Offer();
  // Freed after the lock is.
  std::unordered_map<size_t, std::vector<std::unique_ptr<Block>>> stale;
  MutexLock lock(mutex_);
  if (kept_ + size > max_kept_) {
    // Perhaps sizes that nobody asks for any more.
    stale.swap(free_);
    kept_ = 0;
  }
  kept_ += size;
  free_[size].push_back(std::move(block));
}

bool BlockPool::FreeKept() {
  // Freed after the lock is.
  std::unordered_map<size_t, std::vector<std::unique_ptr<Block>>> kept;
  MutexLock lock(mutex_);
  kept.swap(free_);
  return std::exchange(kept_, 0) > 0;
}

size_t BlockPool::kept() const {
  MutexLock lock(mutex_);
  return kept_;
}

}  // namespace varscope
