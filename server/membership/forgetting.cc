// How much is kept of workers, and which of those that are gone are forgotten.
#include <algorithm>
#include <new>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/wire/push_window.h"
#include "proto/wire/retry_info.h"
#include "server/membership/workers.h"

namespace varscope::server {

uint64_t Workers::OverheadOf(const std::string& worker_id) {
  constexpr uint64_t kRecord = 2048;
  constexpr uint64_t kAnswer = 128;
  return kRecord + 2 * kPushWindow * kAnswer + 8 * worker_id.size();
}

bool Workers::ForgetOne() { return ForgetOne(false) || ForgetOne(true); }

bool Workers::ForgetOne(bool in_quarantine) {
  for (auto it = gone_.begin(); it != gone_.end(); ++it) {
    const auto worker = workers_.find(*it->second);
    if (worker->second.record.quarantine.empty() == in_quarantine) continue;
    // The log has it, so that a restart forgets the same.
    WorkerRecord after = worker->second.record;
    after.state = WorkerState::kForgotten;
    Happens happens = Prepare(after);
    if (collect_ && !collect_(worker->first)) continue;
    last_forgotten_ = std::max(last_forgotten_, after.incarnation);
    happens();
    gone_bytes_ -= OverheadOf(worker->first);
    gone_.erase(it);
    workers_.erase(worker);
    return true;
  }
  return false;
}

void Workers::ForgetMany() noexcept {
  try {
    while (gone_bytes_ > MemoryAccount::Process().limit() / kGoneShare && ForgetOne()) {
    }
  } catch (const std::bad_alloc&) {
    // They stay for now.
  }
}

absl::StatusOr<MemoryAccount::Hold> Workers::Reserve(const std::string& worker_id) {
  MemoryAccount& memory = MemoryAccount::Process();
  absl::StatusOr<MemoryAccount::Hold> held = memory.Reserve(OverheadOf(worker_id));
  while (!held.ok() && ForgetOne()) held = memory.Reserve(OverheadOf(worker_id));
  if (held.ok()) return held;
  return Prefixed(absl::StrCat("worker '", worker_id, "': "), held.status());
}

void Workers::RestoreForgotten(const WorkerRecord& record) {
  Worker* const known = Find(record.worker_id, record.incarnation);
  if (known == nullptr) return;
  known->record.state = WorkerState::kForgotten;
  Settle(*known);
  gone_.erase(known->end);
  gone_bytes_ -= OverheadOf(record.worker_id);
  workers_.erase(record.worker_id);
}

}  // namespace varscope::server
