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
    // each worker one such reservation no longer counts in the limit. (That no worker holds more in
    // this way than it leaves of the process's memory, IdleMemory sees to.)
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
      : small_{limit / kSmallShare}, usual_{limit - limit / kSmallShare} {}
  MemoryQuota(const MemoryQuota&) = delete;
  MemoryQuota& operator=(const MemoryQuota&) = delete;

  // ResourceExhausted, with a retry delay, when the bytes fit neither into the small calls' part
  // nor into the rest of the limit. Of each of both a worker has one call, if there is room, and
  // further ones only as long as it holds no more than it leaves free: whoever asks for all that
  // he can get leaves half to others, two such workers a third, and so on. A call of more than half
  // of the rest is a large one, of any size: one at a time, beside all that, so that no size waits
  // forever, and nobody else waits for it.
  absl::StatusOr<Reservation> Acquire(const std::string& worker_id, uint64_t bytes);

  uint64_t used() const;

 private:
  void Release(const Reservation& reservation);
  void Park(Reservation& reservation);
  void Forget(const Reservation& reservation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // A part of the limit, and who has how much of it.
  struct Shares {
    uint64_t limit;
    uint64_t used = 0;
    std::map<std::string, uint64_t> by_worker = {};

    uint64_t Of(const std::string& worker_id) const;
    // False, and nothing taken: they do not fit, or the worker has enough of it.
    bool Take(const std::string& worker_id, uint64_t bytes);
    void Give(const std::string& worker_id, uint64_t bytes);
  };

  mutable Mutex mutex_;
  Shares small_ ABSL_GUARDED_BY(mutex_);
  Shares usual_ ABSL_GUARDED_BY(mutex_);
  uint64_t large_used_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<std::string> parked_ ABSL_GUARDED_BY(mutex_);  // workers that have such a reservation
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_MEMORY_QUOTA_H_
