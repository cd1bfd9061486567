#include "server/sync/workers.h"

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"

namespace varscope::server {

absl::StatusOr<uint64_t> Workers::Connect(const std::string& worker_id, const std::string& host,
                                          int64_t pid, Sharing sharing) {
  if (absl::Status status = ValidateWorkerId(worker_id); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  entries_[worker_id] = {++last_incarnation_, sharing, Printable(host), pid};
  return last_incarnation_;
}

absl::StatusOr<Asker> Workers::Check(const std::string& worker_id, uint64_t incarnation) const {
  if (absl::Status status = ValidateWorkerId(worker_id); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  const auto it = entries_.find(worker_id);
  if (it == entries_.end()) {
    return absl::UnauthenticatedError(
        absl::StrCat("worker '", worker_id, "' is not connected; call Connect first"));
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
  if (const auto it = entries_.find(worker_id); it != entries_.end()) {
    definer.host = it->second.host;
    definer.pid = it->second.pid;
  }
  return definer;
}

}  // namespace varscope::server
