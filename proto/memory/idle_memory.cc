#include "proto/memory/idle_memory.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/wire/retry_info.h"

namespace varscope {

IdleMemory::Hold& IdleMemory::Hold::operator=(Hold&& other) noexcept {
  Release();
  idle_ = std::exchange(other.idle_, nullptr);
  holder_ = other.holder_;
  bytes_ = std::exchange(other.bytes_, 0);
  held_ = std::move(other.held_);
  return *this;
}

void IdleMemory::Hold::Release() {
  if (idle_ == nullptr) return;
  IdleMemory& idle = *std::exchange(idle_, nullptr);
  held_ = {};
  MutexLock lock(idle.mutex_);
  idle.all_ -= bytes_;
  holder_->second -= bytes_;
  if (holder_->second == 0) idle.holders_.erase(holder_);
}

IdleMemory& IdleMemory::Process() {
  static auto* const idle = new IdleMemory(MemoryAccount::Process());
  return *idle;
}

// No sums of what somebody says: they could wrap.
bool IdleMemory::Leaves(uint64_t has, uint64_t more, bool taken) const {
  const uint64_t limit = account_.limit();
  if (limit == MemoryAccount::kUnlimited) return true;
  const uint64_t free = limit - std::min(limit, account_.used());
  if (!taken && more > free) return false;
  const uint64_t left = taken ? free : free - more;
  const uint64_t kept = limit / MemoryAccount::kReserveShare;
  const uint64_t little = limit / kLittleShare;
  if (has <= little && more <= little - has) return left >= kept / 2;
  if (left < kept) return false;
  const auto room = static_cast<double>(left - kept);
  const double whole = room + static_cast<double>(all_) + static_cast<double>(more);
  return (static_cast<double>(has) + static_cast<double>(more)) * whole <= room * room;
}

bool IdleMemory::MayHave(uint64_t has, uint64_t more, bool taken) const {
  return Leaves(has, more, taken) || (account_.FreeKept() && Leaves(has, more, taken));
}

absl::Status IdleMemory::Refusal(const std::string& holder, uint64_t bytes) const {
  constexpr std::chrono::milliseconds kAfter{50};
  return WithRetryAfter(
      absl::ResourceExhaustedError(
          absl::StrCat("no memory for ", bytes, " more bytes that wait or are idle: there are ",
                       OfLocked(holder), " already, ", account_.used(), " of ", account_.limit(),
                       " are held by all (--memory-limit), and the more one has in this way the "
                       "more has to be free")),
      kAfter);
}

uint64_t IdleMemory::OfLocked(const std::string& holder) const {
  const auto it = holders_.find(holder);
  return it == holders_.end() ? 0 : it->second;
}

uint64_t IdleMemory::Of(const std::string& holder) const {
  MutexLock lock(mutex_);
  return OfLocked(holder);
}

void IdleMemory::Add(Hold& hold, const std::string& holder, uint64_t bytes) {
  if (hold.idle_ == nullptr) {
    hold.holder_ = holders_.try_emplace(holder, 0).first;
    hold.idle_ = this;
  }
  all_ += bytes;
  hold.holder_->second += bytes;
  hold.bytes_ += bytes;
}

absl::Status IdleMemory::Extend(Hold& hold, const std::string& holder, uint64_t bytes) {
  if (bytes == 0) return absl::OkStatus();
  MutexLock lock(mutex_);
  if (!MayHave(OfLocked(holder), bytes, false)) return Refusal(holder, bytes);
  if (absl::Status status = account_.Extend(hold.held_, bytes); !status.ok()) return status;
  Add(hold, holder, bytes);
  return absl::OkStatus();
}

absl::StatusOr<IdleMemory::Hold> IdleMemory::Reserve(const std::string& holder, uint64_t bytes) {
  Hold hold;
  if (absl::Status status = Extend(hold, holder, bytes); !status.ok()) return status;
  return hold;
}

absl::StatusOr<IdleMemory::Hold> IdleMemory::Count(const std::string& holder, uint64_t bytes) {
  Hold hold;
  if (bytes == 0) return hold;
  MutexLock lock(mutex_);
  if (!MayHave(OfLocked(holder), bytes, true)) return Refusal(holder, bytes);
  Add(hold, holder, bytes);
  return hold;
}

}  // namespace varscope
