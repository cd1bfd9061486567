#include "server/sync/workers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"

namespace varscope::server {

absl::StatusOr<uint64_t> Workers::Connect(const std::string& worker_id, const std::string& host,
                                          int64_t pid, Sharing sharing) {
  if (absl::Status status = ValidateWorkerId(worker_id); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  if (records_.size() >= kMaxWorkers && !records_.contains(worker_id)) {
    return absl::ResourceExhaustedError(absl::StrCat("worker '", worker_id, "': ", kMaxWorkers,
                                                     " worker ids have connected, no more may"));
  }
  WorkerRecord& record = records_[worker_id];
  record = {worker_id, ++last_incarnation_, sharing, Printable(host), pid};
  if (observer_) observer_(record);
  return record.incarnation;
}

absl::StatusOr<Asker> Workers::Check(const std::string& worker_id, uint64_t incarnation) const {
  if (absl::Status status = ValidateWorkerId(worker_id); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  const auto it = records_.find(worker_id);
  if (it == records_.end()) {
    return absl::UnauthenticatedError(
        absl::StrCat("worker '", worker_id,
                     "' is not connected: it never was, or the server lost its state in a restart "
                     "(--data-dir keeps it)"));
  }
  if (it->second.incarnation != incarnation) {
    return absl::AbortedError(absl::StrCat("worker '", worker_id, "' connected again (incarnation ",
                                           it->second.incarnation, "); incarnation ", incarnation,
                                           " is fenced off"));
  }
  return Asker{worker_id, incarnation, it->second.sharing};
}

Definer Workers::Describe(const std::string& worker_id) const {
  Definer definer{.worker_id = worker_id};
  std::lock_guard lock(mutex_);
  if (const auto it = records_.find(worker_id); it != records_.end()) {
    definer.host = it->second.host;
    definer.pid = it->second.pid;
  }
  return definer;
}

std::vector<WorkerRecord> Workers::records() const {
  std::vector<WorkerRecord> all;
  std::lock_guard lock(mutex_);
  for (const auto& [worker_id, record] : records_) all.push_back(record);
  return all;
}

void Workers::Restore(const WorkerRecord& record) {
  std::lock_guard lock(mutex_);
  last_incarnation_ = std::max(last_incarnation_, record.incarnation);
  WorkerRecord& known = records_[record.worker_id];
  if (record.incarnation >= known.incarnation) known = record;
}

}  // namespace varscope::server
