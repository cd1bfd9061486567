// How much memory pulls may keep: each pins the blocks that it sends, and a push that finds its
// variable pinned writes into a new block.
#ifndef VARSCOPE_SERVER_RPC_PINS_H_
#define VARSCOPE_SERVER_RPC_PINS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "varscope/tensor.h"

namespace varscope::server {

// Thread-safe. Outlives every Pin. A block counts once, however many pulls send it.
class Pins {
 public:
  class Pin {
   public:
    Pin() = default;
    Pin(Pins& pins, std::vector<BlockRef> blocks) : pins_(&pins), blocks_(std::move(blocks)) {}
    ~Pin();
    Pin(Pin&& other) noexcept { *this = std::move(other); }
    Pin& operator=(Pin&& other) noexcept;

   private:
    Pins* pins_ = nullptr;
    std::vector<BlockRef> blocks_;
  };

  explicit Pins(uint64_t limit) : limit_(limit) {}
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;

  // Pins the blocks of `tensors` that are defined. ResourceExhausted, with the advice when to ask
  // again, when they do not fit into the limit beside those already pinned. Whoever comes when
  // nothing is pinned may pin more.
  absl::StatusOr<Pin> Take(std::span<const Tensor> tensors);

  uint64_t used() const;

 private:
  void Give(const std::vector<BlockRef>& blocks);

  const uint64_t limit_;
  mutable Mutex mutex_;
  uint64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<const Block*, uint32_t> pulls_ ABSL_GUARDED_BY(mutex_);  // of each block
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_PINS_H_
