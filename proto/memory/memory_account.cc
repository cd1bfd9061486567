#include "proto/memory/memory_account.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"

namespace varscope {
namespace {

constexpr std::chrono::milliseconds kRetryAfter{50};

}  // namespace

MemoryAccount& MemoryAccount::Process() {
  static auto* const account = new MemoryAccount;
  return *account;
}

MemoryAccount::Hold& MemoryAccount::Hold::operator=(Hold&& other) noexcept {
  Release();
  account_ = std::exchange(other.account_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void MemoryAccount::Hold::Release() {
  if (account_ != nullptr) std::exchange(account_, nullptr)->Give(bytes_);
}

bool MemoryAccount::Fits(uint64_t bytes, uint64_t most) {
  uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    // No sum of what somebody says: it could wrap.
    if (used > most || bytes > most - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

bool MemoryAccount::FreeKept() {
  const Reclaim reclaim = reclaim_;
  return reclaim != nullptr && reclaim();
}

bool MemoryAccount::TryTake(uint64_t bytes, uint64_t most) {
  return Fits(bytes, most) || (FreeKept() && Fits(bytes, most));
}

MemoryAccount::Hold MemoryAccount::TryHold(uint64_t bytes) {
  return TryTake(bytes) ? Hold(*this, bytes) : Hold();
}

absl::StatusOr<MemoryAccount::Hold> MemoryAccount::Reserve(uint64_t bytes) {
  Hold held = TryHold(bytes);
  if (!held) return Refusal(bytes);
  return held;
}

MemoryAccount::Hold MemoryAccount::HoldAnyway(uint64_t bytes) {
  Take(bytes);
  return {*this, bytes};
}

absl::Status MemoryAccount::Extend(Hold& hold, uint64_t bytes) {
  const uint64_t before = hold ? hold.bytes_ : 0;
  if (!TryTake(bytes, LimitFor(before + bytes))) return Refusal(bytes);
  hold.account_ = this;
  hold.bytes_ = before + bytes;
  return absl::OkStatus();
}

absl::Status MemoryAccount::Refusal(uint64_t bytes) const {
  if (limit() == kUnlimited) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the system has no memory for ", bytes, " bytes (ulimit -v, or the container's limit)"));
  }
  const absl::Status refusal =
      absl::ResourceExhaustedError(absl::StrCat("no memory for ", bytes, " more bytes: ", used(),
                                                " of ", limit(), " are held (--memory-limit)"));
  return bytes <= LimitFor(bytes) ? WithRetryAfter(refusal, kRetryAfter) : refusal;
}

}  // namespace varscope
