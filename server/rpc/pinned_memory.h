// A quota of memory that pulls may pin: each pins the blocks that it sends, and a push that finds
// its variable pinned writes into a new block.
#ifndef VARSCOPE_SERVER_RPC_PINNED_MEMORY_H_
#define VARSCOPE_SERVER_RPC_PINNED_MEMORY_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "varscope/tensor.h"

namespace varscope::server {

// Thread-safe. Outlives every Reservation. A block counts once, however many pulls send it.
class PinnedMemory {
 public:
  class Reservation {
   public:
    Reservation() = default;
    Reservation(PinnedMemory& pinned_memory, std::vector<BlockRef> blocks)
        : pinned_memory_(&pinned_memory), blocks_(std::move(blocks)) {}
    ~Reservation();
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    Reservation& operator=(Reservation&& other) noexcept;

   private:
    PinnedMemory* pinned_memory_ = nullptr;
    std::vector<BlockRef> blocks_;
  };

  explicit PinnedMemory(uint64_t limit) : limit_(limit) {}
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  // Pins the blocks of `tensors` that are defined. ResourceExhausted, with a retry delay, when they
  // do not fit into the limit beside those already pinned. Whoever comes when nothing is pinned may
  // pin more.
  absl::StatusOr<Reservation> Acquire(std::span<const Tensor> tensors);

  uint64_t used() const;

 private:
  void Release(const std::vector<BlockRef>& blocks);

  const uint64_t limit_;
  mutable Mutex mutex_;
  uint64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<const Block*, uint32_t> pulls_ ABSL_GUARDED_BY(mutex_);  // of each block
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_PINNED_MEMORY_H_
