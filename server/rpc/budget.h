// How much memory the calls under way may take together, and each worker of it.
#ifndef VARSCOPE_SERVER_RPC_BUDGET_H_
#define VARSCOPE_SERVER_RPC_BUDGET_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"

namespace varscope::server {

// Thread-safe. Outlives every Charge.
class Budget {
 public:
  // When a call that got no memory should ask again.
  static constexpr std::chrono::milliseconds kRetryAfter{50};

  // Bytes that a call takes; given back on destruction.
  class Charge {
   public:
    Charge() = default;
    Charge(Budget& budget, std::string worker_id, uint64_t bytes)
        : budget_(&budget), worker_id_(std::move(worker_id)), bytes_(bytes) {}
    ~Charge() { Release(); }
    Charge(Charge&& other) noexcept { *this = std::move(other); }
    Charge& operator=(Charge&& other) noexcept;
    void Release();

   private:
    Budget* budget_ = nullptr;
    std::string worker_id_;
    uint64_t bytes_ = 0;
  };

  explicit Budget(uint64_t limit) : limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // ResourceExhausted, with the advice when to ask again, when the bytes do not fit into the limit,
  // or, once half of it is taken, into the worker's share: the limit divided by the workers that
  // hold some of it. Whoever comes when nothing is taken may take more than the limit, so that no
  // size waits forever.
  absl::StatusOr<Charge> Take(const std::string& worker_id, uint64_t bytes);

  uint64_t used() const;

 private:
  void Give(const std::string& worker_id, uint64_t bytes);

  const uint64_t limit_;
  mutable Mutex mutex_;
  uint64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint64_t> by_worker_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_BUDGET_H_
