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

  // What a small call may take, at most. They have a part of their own, one in kSmallShare of the
  // limit, which no large call can fill.
  static constexpr uint64_t kSmall = uint64_t{64} << 10;
  static constexpr uint64_t kSmallShare = 16;

  // Bytes that a call has reserved; released on destruction.
  class Reservation {
   public:
    Reservation() = default;
    ~Reservation() { Release(); }
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    Reservation& operator=(Reservation&& other) noexcept;
    void Release();

   private:
    friend class MemoryQuota;
    Reservation(MemoryQuota& memory_quota, std::string worker_id, uint64_t bytes, bool small)
        : memory_quota_(&memory_quota),
          worker_id_(std::move(worker_id)),
          bytes_(bytes),
          small_(small) {}

    MemoryQuota* memory_quota_ = nullptr;
    std::string worker_id_;
    uint64_t bytes_ = 0;
    bool small_ = false;  // in the small calls' part
  };

  explicit MemoryQuota(uint64_t limit)
      : small_limit_(limit / kSmallShare), limit_(limit - small_limit_) {}
  MemoryQuota(const MemoryQuota&) = delete;
  MemoryQuota& operator=(const MemoryQuota&) = delete;

  // ResourceExhausted, with a retry delay, when the bytes fit neither into the small calls' part
  // nor into the rest of the limit, or, once half of that is reserved, into the worker's share: the
  // rest divided by the workers that have reservations in it. Whoever comes when nothing of it is
  // reserved may reserve more, so that no size waits forever.
  absl::StatusOr<Reservation> Acquire(const std::string& worker_id, uint64_t bytes);

  uint64_t used() const;

 private:
  void Release(const Reservation& reservation);

  const uint64_t small_limit_;
  const uint64_t limit_;  // of all other calls
  mutable Mutex mutex_;
  uint64_t small_used_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint64_t> by_worker_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_MEMORY_QUOTA_H_
