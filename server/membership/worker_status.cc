// What others are told of workers.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "server/membership/workers.h"

namespace varscope::server {
Creator Workers::Describe(const std::string& worker_id) const {
  Creator creator{.worker_id = worker_id};
  MutexLock lock(mutex_);
  if (const auto it = workers_.find(worker_id); it != workers_.end()) {
    creator.host = it->second.record.host;
    creator.pid = it->second.record.pid;
  }
  return creator;
}

std::string Workers::DescribeWait(const std::string& worker_id) const {
  MutexLock lock(mutex_);
  const auto it = workers_.find(worker_id);
  if (it == workers_.end()) return absl::StrCat(worker_id, ", not connected");
  if (!it->second.live()) return absl::StrCat(worker_id, ", lost");
  const std::chrono::duration<double> silent = env_.Now() - it->second.heard;
  std::string text = fmt::format("{}, silent {:.1f} s", worker_id, silent.count());
  if (lease_.count() > 0) {
    const std::chrono::duration<double> left = lease_ - silent;
    absl::StrAppend(&text, fmt::format(", evicted in {:.1f} s", std::max(0.0, left.count())));
  }
  return text;
}

std::vector<WorkerStatus> Workers::StatusAfter(const std::string& after, size_t most) const {
  std::vector<WorkerStatus> some;
  const Time now = env_.Now();
  MutexLock lock(mutex_);
  for (auto it = workers_.upper_bound(after); it != workers_.end() && some.size() < most; ++it) {
    const auto silent =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - it->second.heard);
    some.push_back({it->second.record, silent});
  }
  return some;
}

std::vector<WorkerRecord> Workers::records() const {
  std::vector<WorkerRecord> all;
  for (auto some = StatusAfter(""); !some.empty(); some = StatusAfter(all.back().worker_id)) {
    for (WorkerStatus& worker : some) all.push_back(std::move(worker.record));
  }
  return all;
}

}  // namespace varscope::server
