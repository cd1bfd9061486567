#include "server/memory_guard.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "proto/shm/segment.h"
#include "proto/tensor/block_pool.h"
#include "proto/tensor/pages.h"
#include "server/limited_log.h"
#include "server/memory.h"

namespace varscope::server {
namespace {

using std::chrono::milliseconds;

// In bytes: what is in the account, blocks that the pool keeps among it, and what is not; without
// what malloc keeps for later, and without code and stacks. Under a sanitizer, whose malloc is
// another one, without malloc's.
uint64_t InUse() {
  const struct mallinfo2 malloced = mallinfo2();
  return malloced.uordblks + malloced.hblkhd + MappedBytes() + shm::Segment::MappedBytes();
}

// What was recovered may have raised the account's: an eighth of that is for the rest.
uint64_t LimitOf(uint64_t limit, const MemoryAccount& account) {
  return std::max(limit, account.limit() + account.limit() / 8);
}

}  // namespace

MemoryGuard::MemoryGuard(uint64_t limit, const MemoryAccount& account, BusyConnections connections,
                         Env& env)
    : env_(env),
      account_(account),
      limit_(LimitOf(limit, account)),
      connections_(std::move(connections)),
      timer_(env.StartTimer("memory", [this] { return Look(); })) {}

Time MemoryGuard::Look() {
  // A gigabyte may come within a second.
  constexpr milliseconds kCalm{100};
  constexpr milliseconds kNear{5};
  const Time now = env_.Now();
  const uint64_t resident = ResidentMemory();
  if (resident > limit_ - limit_ / 8) GiveBack(now, resident > limit_);
  if (resident < limit_ / 2 || resident < Allowed()) {
    beginning_.reset();
    return now + (resident < limit_ / 2 ? kCalm : kNear);
  }
  Judge({.at = now, .excess = Excess()});
  return now + kNear;
}

void MemoryGuard::Judge(Seen now) {
  // What has not gone by then is nobody's who could be found, and not charged to who comes later.
  constexpr milliseconds kLongest{1000};
  // What those had who were ended is gone by then.
  constexpr milliseconds kUntilFreed{50};
  // Less is no reason to end anybody.
  const uint64_t little = limit_ / 512;
  if (!beginning_ || now.excess <= beginning_->excess || now.at - beginning_->at > kLongest) {
    connections_.Look();
    // Of the first excess nobody knows yet who brought it: who goes on.
    beginning_ = Seen{.at = now.at, .excess = beginning_ ? now.excess : 0};
    return;
  }
  const uint64_t brought = now.excess - beginning_->excess;
  if (brought <= little) return;
  if (now.excess <= ended_.excess + little && now.at - ended_.at <= kUntilFreed) return;
  if (EndBusyConnections(brought)) ended_ = now;
}

// Malloc keeps what was freed, in pieces that the next requests may not fit into.
void MemoryGuard::GiveBack(Time now, bool urgent) {
  constexpr milliseconds kEach{1000};
  constexpr milliseconds kUrgent{200};
  if (now - gave_back_ < (urgent ? kUrgent : kEach)) return;
  gave_back_ = now;
  BlockPool::Process()->FreeKept();
  malloc_trim(0);
}

uint64_t MemoryGuard::Allowed() const {
  // What the pool keeps is in the account and in use by nobody: a take that needs it gets it.
  const uint64_t free_too = account_.limit() + BlockPool::Process()->kept();
  return std::max(account_.used(), free_too) + limit_ / 8;
}

uint64_t MemoryGuard::Excess() const {
  // Memory is in the account before it is taken and until it is freed, but no moment has both
  // numbers.
  const uint64_t before = Allowed();
  const uint64_t in_use = InUse();
  const uint64_t allowed = std::max(before, Allowed());
  return in_use - std::min(in_use, allowed);
}

bool MemoryGuard::EndBusyConnections(uint64_t excess) {
  static constinit LimitedLog log;
  const std::vector<std::string> ended = connections_.End(excess);
  for (const std::string& peer : ended) {
    log.Warn("memory has run out (--memory-limit): ended the connection from ", peer,
             ", which brings more than others");
  }
  return !ended.empty();
}

}  // namespace varscope::server
