// How much memory the process holds for others: one account with one limit, from which blocks of
// tensors, decoded messages, names and records are taken before they are allocated.
#ifndef VARSCOPE_PROTO_MEMORY_MEMORY_ACCOUNT_H_
#define VARSCOPE_PROTO_MEMORY_MEMORY_ACCOUNT_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/status/statusor.h"

namespace varscope {

// Thread-safe. Counts what the parts say, not what malloc adds to it, nor gRPC's buffers: whoever
// sets the limit leaves room for those.
class MemoryAccount {
 public:
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
  // Of the limit, one part in kReserveShare is for takes of at most kSmall bytes, so that small
  // requests get through beside large ones.
  static constexpr uint64_t kReserveShare = 16;
  static constexpr uint64_t kSmall = uint64_t{64} << 10;

  // Bytes of an account, given back on destruction. The account outlives it.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept { *this = std::move(other); }
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { Release(); }
    // False: the hold is empty, because the bytes could not be had.
    explicit operator bool() const { return account_ != nullptr; }
    uint64_t bytes() const { return bytes_; }
    // The bytes stay taken: whoever has them gives them back.
    void Keep() { account_ = nullptr; }

   private:
    friend class MemoryAccount;
    Hold(MemoryAccount& account, uint64_t bytes) : account_(&account), bytes_(bytes) {}
    void Release();

    MemoryAccount* account_ = nullptr;
    uint64_t bytes_ = 0;
  };

  // Frees memory that is kept for later, when a take does not fit; returns whether there was some.
  // Takes no locks but its own.
  using Reclaim = bool (*)();

  MemoryAccount() = default;
  explicit MemoryAccount(uint64_t limit) : limit_(limit) {}
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  // The process's. Unlimited until SetLimit.
  static MemoryAccount& Process();

  // In bytes. What is held already stays, even if it is more.
  void SetLimit(uint64_t bytes) { limit_ = bytes; }
  void SetReclaim(Reclaim reclaim) { reclaim_ = reclaim; }

  // False, and nothing taken, when the bytes do not fit. Give ends it.
  bool TryTake(uint64_t bytes) { return TryTake(bytes, LimitFor(bytes)); }
  // The same whatever the limit is: for what cannot be refused any more.
  void Take(uint64_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void Give(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  // As TryTake. Empty when the bytes do not fit.
  Hold TryHold(uint64_t bytes);
  // The same, or why not, as Refusal.
  absl::StatusOr<Hold> Reserve(uint64_t bytes);
  Hold HoldAnyway(uint64_t bytes);
  // So much more for a hold of this account, or an empty one. What it comes to decides whether that
  // is a small take. OK, or why not, as Refusal; then the hold is as it was.
  absl::Status Extend(Hold& hold, uint64_t bytes);

  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  // Frees what is kept for later, as a take does that does not fit. Whether there was some.
  bool FreeKept();
  // Whether there is room for what a take of so many bytes began, which Take has gone on with.
  bool Allows(uint64_t bytes) const { return used() <= LimitFor(bytes); }
  // ResourceExhausted: why a take does not fit. With a retry delay when it may fit later.
  absl::Status Refusal(uint64_t bytes) const;

 private:
  uint64_t LimitFor(uint64_t bytes) const {
    return bytes <= kSmall ? limit() : limit() - limit() / kReserveShare;
  }
  // Up to `most` in use.
  bool TryTake(uint64_t bytes, uint64_t most);
  bool Fits(uint64_t bytes, uint64_t most);

  std::atomic<uint64_t> limit_{kUnlimited};
  std::atomic<uint64_t> used_{0};
  std::atomic<Reclaim> reclaim_{nullptr};
};

}  // namespace varscope

#endif  // VARSCOPE_PROTO_MEMORY_MEMORY_ACCOUNT_H_
