// A quota of memory for the calls in flight: for all together, and for each worker.
#ifndef VARSCOPE_SERVER_RPC_MEMORY_QUOTA_H_
#define VARSCOPE_SERVER_RPC_MEMORY_QUOTA_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
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

  // Where a call's bytes count.
  enum class Part : uint8_t { kSmall, kUsual, kLarge, kParked };

  // Bytes that a call has reserved; released on destruction.
  class Reservation {
   public:
    Reservation() = default;
    ~Reservation() { Release(); }
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    Reservation& operator=(Reservation&& other) noexcept;
    void Release();
    // The call's bytes have all come, and wait for others, who must be able to bring theirs: of
    // each worker one such reservation no longer counts in the limit. (That the memory is there at
    // all, the process's MemoryAccount sees to.)
    void Park();

   private:
    friend class MemoryQuota;
    Reservation(MemoryQuota& memory_quota, std::string worker_id, uint64_t bytes, Part part)
        : memory_quota_(&memory_quota),
          worker_id_(std::move(worker_id)),
          bytes_(bytes),
          part_(part) {}

    MemoryQuota* memory_quota_ = nullptr;
    std::string worker_id_;
    uint64_t bytes_ = 0;
    Part part_ = Part::kUsual;
  };

  explicit MemoryQuota(uint64_t limit)
      : small_limit_(limit / kSmallShare), limit_(limit - small_limit_) {}
  MemoryQuota(const MemoryQuota&) = delete;
  MemoryQuota& operator=(const MemoryQuota&) = delete;

  // ResourceExhausted, with a retry delay, when the bytes fit neither into the small calls' part
  // nor into the rest of the limit, or, once half of that is reserved, into the worker's share: the
  // rest divided by the workers that have reservations in it. A call of more than half of the rest
  // is a large one, of any size: one at a time, beside all that, so that no size waits forever, and
  // nobody else waits for it.
  absl::StatusOr<Reservation> Acquire(const std::string& worker_id, uint64_t bytes);

  uint64_t used() const;

 private:
  void Release(const Reservation& reservation);
  void Park(Reservation& reservation);
  void Forget(const Reservation& reservation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const uint64_t small_limit_;
  const uint64_t limit_;  // of all other calls
  mutable Mutex mutex_;
  uint64_t small_used_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t large_used_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint64_t> by_worker_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> parked_ ABSL_GUARDED_BY(mutex_);  // workers that have such a reservation
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_MEMORY_QUOTA_H_
