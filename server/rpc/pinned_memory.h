// A quota of memory that pulls may pin: each pins the blocks that it sends, and a push that finds
// its variable pinned writes into a new block.
#ifndef VARSCOPE_SERVER_RPC_PINNED_MEMORY_H_
#define VARSCOPE_SERVER_RPC_PINNED_MEMORY_H_

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

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
    Reservation(PinnedMemory& pinned_memory, std::string worker_id, std::vector<BlockRef> blocks)
        : pinned_memory_(&pinned_memory),
          worker_id_(std::move(worker_id)),
          blocks_(std::move(blocks)) {}
    ~Reservation();
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    Reservation& operator=(Reservation&& other) noexcept;

   private:
    friend class PinnedMemory;
    PinnedMemory* pinned_memory_ = nullptr;
    std::string worker_id_;
    std::vector<BlockRef> blocks_;
  };

  explicit PinnedMemory(uint64_t limit) : limit_(limit) {}
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  // Pins the blocks of `tensors` that are defined. ResourceExhausted, with a retry delay, when they
  // do not fit into the limit beside those already pinned, or, while that worker (all callers that
  // are none count as one) has others pinned, not into half of it with these. Whoever comes when
  // nothing is pinned may pin more.
  absl::StatusOr<Reservation> Acquire(const std::string& worker_id,
                                      std::span<const Tensor> tensors);

  uint64_t used() const;

 private:
  void Release(const Reservation& reservation);

  const uint64_t limit_;
  mutable Mutex mutex_;
  uint64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unordered_map<const Block*, uint32_t> pulls_ ABSL_GUARDED_BY(mutex_);     // of each block
  std::unordered_map<std::string, uint64_t> by_worker_ ABSL_GUARDED_BY(mutex_);  // bytes
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_PINNED_MEMORY_H_
