#include "server/memory_guard.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/tensor/block_pool.h"
#include "proto/tensor/pages.h"
#include "server/limited_log.h"
#include "server/memory.h"

namespace varscope::server {
namespace {

using std::chrono::milliseconds;

// In bytes, without what malloc and the pool of blocks keep for later, and without code and stacks.
// Under a sanitizer, whose malloc is another one, next to nothing.
uint64_t InUse() {
  const struct mallinfo2 malloced = mallinfo2();
  return malloced.uordblks + malloced.hblkhd + MappedBytes() - BlockPool::Process()->kept();
}

}  // namespace

MemoryGuard::MemoryGuard(uint64_t limit, uint64_t counted, BusyConnections connections, Env& env)
    : env_(env),
      limit_(limit),
      in_use_limit_(counted + limit / 8),
      connections_(std::move(connections)),
      timer_(env.StartTimer("memory", [this] { return Look(); })) {}

Time MemoryGuard::Look() {
  // A gigabyte may come within a second.
  constexpr milliseconds kCalm{100};
  constexpr milliseconds kNear{5};
  const Time now = env_.Now();
  const uint64_t resident = ResidentMemory();
  if (resident < limit_ / 2) return now + kCalm;
  if (resident > limit_ - limit_ / 8) GiveBack(now, resident > limit_);
  if (resident < in_use_limit_) return now + kNear;
  if (InUse() > in_use_limit_) {
    EndBusyConnections();
  } else {
    connections_.Look();
  }
  return now + kNear;
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

void MemoryGuard::EndBusyConnections() {
  static auto* const log = new LimitedLog;
  for (const std::string& peer : connections_.End()) {
    log->Warn(absl::StrCat("memory has run out (--memory-limit): ended the connection from ", peer,
                           ", which brings more than others"));
  }
}

}  // namespace varscope::server
