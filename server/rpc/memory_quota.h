// A quota of memory for the calls in flight: for all together, and for each worker.
#ifndef VARSCOPE_SERVER_RPC_MEMORY_QUOTA_H_
#define VARSCOPE_SERVER_RPC_MEMORY_QUOTA_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"

namespace varscope::server {

// Thread-safe. Outlives every Reservation.
class MemoryQuota {
 public:
  // When a call that got no reservation should try again.
  static constexpr std::chrono::milliseconds kRetryAfter{50};

  // Bytes that a call has reserved; released on destruction.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(MemoryQuota& memory_quota, std::string worker_id, uint64_t bytes)
        : memory_quota_(&memory_quota), worker_id_(std::move(worker_id)), bytes_(bytes) {}
    ~Reservation() { Release(); }
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    Reservation& operator=(Reservation&& other) noexcept;
    void Release();

   private:
    MemoryQuota* memory_quota_ = nullptr;
    std::string worker_id_;
    uint64_t bytes_ = 0;
  };

  explicit MemoryQuota(uint64_t limit) : limit_(limit) {}
  MemoryQuota(const MemoryQuota&) = delete;
  MemoryQuota& operator=(const MemoryQuota&) = delete;

  // ResourceExhausted, with a retry delay, when the bytes do not fit into the limit, or, once half
  // of it is reserved, into the worker's share: the limit divided by the workers that have
  // reservations. Whoever comes when nothing is reserved may reserve more than the limit, so that
  // no size waits forever.
  absl::StatusOr<Reservation> Acquire(const std::string& worker_id, uint64_t bytes);

  uint64_t used() const;

 private:
  void Release(const std::string& worker_id, uint64_t bytes);

  const uint64_t limit_;
  mutable Mutex mutex_;
  uint64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint64_t> by_worker_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_MEMORY_QUOTA_H_
