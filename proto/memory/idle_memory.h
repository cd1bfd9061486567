// Who holds how much of the account for as long as he likes: what waits or is idle.
#ifndef VARSCOPE_PROTO_MEMORY_IDLE_MEMORY_H_
#define VARSCOPE_PROTO_MEMORY_IDLE_MEMORY_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "proto/memory/memory_account.h"

namespace varscope {

// Streams and the names on them, calls that wait, answers that nobody reads, pushes that wait for
// others: nothing but their holder ends them. So of what is free of the account, and what is held
// in this way, a holder may have the square of the part that he leaves: k holders who take all that
// they get, in whatever order, leave at least one part in k + 1 (one leaves 62 %, seven 16 %). A
// little everybody gets as long as there is some. Thread-safe. Outlives every Hold.
class IdleMemory {
 public:
  // The little is one part in so many of the account. Whoever holds no more, with what he asks for,
  // leaves half of what the account keeps for small takes; for whoever holds more, that is not free
  // at all.
  static constexpr uint64_t kLittleShare = 1024;

 private:
  using Holders = std::map<std::string, uint64_t>;  // bytes of each

 public:
  // Bytes of one holder, given back on destruction.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept { *this = std::move(other); }
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { Release(); }
    // False: it is empty.
    explicit operator bool() const { return idle_ != nullptr; }

   private:
    friend class IdleMemory;
    void Release();

    IdleMemory* idle_ = nullptr;
    Holders::iterator holder_ = {};
    uint64_t bytes_ = 0;
    MemoryAccount::Hold held_;  // those that Extend took
  };

  explicit IdleMemory(MemoryAccount& account) : account_(account) {}
  IdleMemory(const IdleMemory&) = delete;
  IdleMemory& operator=(const IdleMemory&) = delete;

  // Of the process's account.
  static IdleMemory& Process();

  // Takes so many bytes of the account for the holder. ResourceExhausted, with a retry delay, when
  // he would leave too little, or as MemoryAccount::Refusal.
  absl::StatusOr<Hold> Reserve(const std::string& holder, uint64_t bytes);
  // So many more for a hold of that holder, or an empty one. After an error it is as it was.
  absl::Status Extend(Hold& hold, const std::string& holder, uint64_t bytes);
  // Counts bytes that somebody has of the account already.
  absl::StatusOr<Hold> Count(const std::string& holder, uint64_t bytes);

  // What the holder has.
  uint64_t Of(const std::string& holder) const;

 private:
  // Whether who has so many may have so many more; `taken`: the account has those already. As it is
  // now, and when what is kept for later has been freed.
  bool Leaves(uint64_t has, uint64_t more, bool taken) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayHave(uint64_t has, uint64_t more, bool taken) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Refusal(const std::string& holder, uint64_t bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t OfLocked(const std::string& holder) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(Hold& hold, const std::string& holder, uint64_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  MemoryAccount& account_;
  mutable Mutex mutex_;
  Holders holders_ ABSL_GUARDED_BY(mutex_);
  uint64_t all_ ABSL_GUARDED_BY(mutex_) = 0;  // of all holders
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_MEMORY_IDLE_MEMORY_H_
