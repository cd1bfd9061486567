#include "server/store/completion_records.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/failpoint.h"

namespace varscope::server {

CompletionRecords::InFlightPush::InFlightPush(CompletionRecords& completion_records, PushId id,
                                              std::optional<PushResult> cached_result)
    : completion_records_(&completion_records), cached_result_(cached_result) {
  if (id.sequence > 0 && !cached_result_) members_.push_back({std::move(id)});
}

void CompletionRecords::InFlightPush::Merge(InFlightPush other) {
  // Without memory the other one ends as if it had never come.
  members_.reserve(members_.size() + other.members_.size());
  for (Member& member : std::exchange(other.members_, {})) members_.push_back(std::move(member));
}

void CompletionRecords::InFlightPush::Abandon() {
  if (members_.empty()) return;
  MutexLock lock(completion_records_->mutex_);
  for (const auto& [id, answer] : std::exchange(members_, {})) {
    completion_records_->workers_[id.worker_id].under_way.erase({id.incarnation, id.sequence});
  }
}

void CompletionRecords::InFlightPush::Reserve() {
  for (auto& [id, answer] : members_) {
    Answers answers;
    answers[id.sequence];
    answer = answers.extract(answers.begin());
    MutexLock lock(completion_records_->mutex_);
    completion_records_->workers_[id.worker_id];
  }
}

void CompletionRecords::InFlightPush::Record(const PushResult& result) noexcept {
  for (auto& [id, answer] : std::exchange(members_, {})) {
    if (FailpointIsOn(Failpoint::kDropAnswer)) continue;
    answer.mapped() = result;
    completion_records_->Insert(id, std::move(answer));
  }
}

PushResult CompletionRecords::InFlightPush::Drop(const PushResult& result) {
  for (const auto& [id, answer] : std::exchange(members_, {})) {
    completion_records_->Drop(id, result);
  }
  return result;
}

void CompletionRecords::Drop(const PushId& id, const PushResult& result) try {
  MutexLock lock(mutex_);
  Worker& worker = workers_[id.worker_id];
  const std::pair key{id.incarnation, id.sequence};
  worker.under_way.erase(key);
  worker.dropped[key] = result;
  if (worker.dropped.size() > kWindow) worker.dropped.erase(worker.dropped.begin());
} catch (const std::bad_alloc&) {
}

bool CompletionRecords::LeftWindow(uint64_t sequence, uint64_t last) {
  return sequence < last && last - sequence >= kWindow;
}

absl::StatusOr<CompletionRecords::InFlightPush> CompletionRecords::Begin(const PushId& id) {
  const auto push = [&] {
    return absl::StrCat("push ", id.sequence, " of worker '", id.worker_id, "'");
  };
  if (id.sequence > kLastSequence) {
    return absl::InvalidArgumentError(
        absl::StrCat(push(), " has no number that a worker can have come to: they count from 1, ",
                     "and the last is ", kLastSequence));
  }
  MutexLock lock(mutex_);
  Worker& worker = workers_[id.worker_id];
  worker.newest = std::max(worker.newest, id.incarnation);
  if (id.incarnation < worker.newest && !FailpointIsOn(Failpoint::kIgnoreFence)) {
    return absl::AbortedError(absl::StrCat(push(), ": incarnation ", id.incarnation,
                                           " is fenced off by ", worker.newest));
  }
  const auto fenced = [&] {
    return absl::AbortedError(absl::StrCat(push(), " was not applied: its incarnation, ",
                                           id.incarnation, ", is fenced off"));
  };
  if (id.sequence == 0) {  // it has no answer that it could ask for
    if (worker.fenced > 0 && id.incarnation <= worker.fenced) return fenced();
    return InFlightPush(*this, id, std::nullopt);
  }
  const bool answered = id.incarnation == worker.incarnation && !worker.answers.empty();
  const auto it = worker.answers.find(id.sequence);
  if (answered && it != worker.answers.end()) return InFlightPush(*this, id, it->second);
  const std::pair key{id.incarnation, id.sequence};
  const auto dropped = worker.dropped.find(key);
  if (dropped != worker.dropped.end()) return InFlightPush(*this, id, dropped->second);
  if (answered && LeftWindow(id.sequence, worker.answers.rbegin()->first)) {
    return absl::InvalidArgumentError(
        absl::StrCat(push(), " is more than ", kWindow, " behind the worker's last, ",
                     worker.answers.rbegin()->first, ": whether it was applied is not known"));
  }
  if (worker.under_way.contains(key)) {
    return absl::UnavailableError(absl::StrCat(push(), " is being applied; send it again later"));
  }
  if (id.incarnation <= worker.fenced) return fenced();
  const auto at = worker.under_way.insert(key).first;
  try {
    return InFlightPush(*this, id, std::nullopt);
  } catch (const std::bad_alloc&) {
    worker.under_way.erase(at);
    throw;
  }
}

void CompletionRecords::Reset(CompletionRecords& others) noexcept {
  std::map<std::string, Worker> taken;
  {
    MutexLock lock(others.mutex_);
    taken.swap(others.workers_);
  }
  MutexLock lock(mutex_);
  while (!workers_.empty()) {
    auto node = workers_.extract(workers_.begin());
    const auto same = taken.find(node.key());
    if (same != taken.end()) {
      same->second.fenced = node.mapped().fenced;
      continue;
    }
    node.mapped() = Worker{.fenced = node.mapped().fenced};
    taken.insert(std::move(node));
  }
  workers_.swap(taken);
}

void CompletionRecords::Fence(const std::string& worker_id, uint64_t incarnation) {
  MutexLock lock(mutex_);
  Worker& worker = workers_[worker_id];
  worker.fenced = std::max(worker.fenced, incarnation);
}

bool CompletionRecords::Collect(const std::string& worker_id) {
  MutexLock lock(mutex_);
  const auto it = workers_.find(worker_id);
  if (it == workers_.end()) return true;
  if (!it->second.under_way.empty()) return false;
  workers_.erase(it);
  return true;
}

bool CompletionRecords::Knows(const PushId& id) const {
  MutexLock lock(mutex_);
  const auto it = workers_.find(id.worker_id);
  if (it == workers_.end()) return false;
  const Worker& worker = it->second;
  return worker.under_way.contains({id.incarnation, id.sequence}) ||
         worker.dropped.contains({id.incarnation, id.sequence}) ||
         (worker.incarnation == id.incarnation && worker.answers.contains(id.sequence));
}

bool CompletionRecords::HasLost(const PushId& id) const {
  MutexLock lock(mutex_);
  const auto it = workers_.find(id.worker_id);
  if (it == workers_.end()) return true;
  const Worker& worker = it->second;
  if (worker.incarnation != id.incarnation) return worker.incarnation < id.incarnation;
  return worker.answers.empty() || worker.answers.rbegin()->first < id.sequence;
}

void CompletionRecords::Restore(const Entry& entry) {
  Answers answers;
  answers[entry.id.sequence] = entry.result;
  Insert(entry.id, answers.extract(answers.begin()));
}

void CompletionRecords::Insert(const PushId& id, Answers::node_type answer) {
  MutexLock lock(mutex_);
  Worker& worker = workers_[id.worker_id];
  worker.under_way.erase({id.incarnation, id.sequence});
  worker.newest = std::max(worker.newest, id.incarnation);
  if (id.incarnation < worker.incarnation) return;
  if (id.incarnation > worker.incarnation) worker.answers.clear();
  worker.incarnation = id.incarnation;
  worker.answers.erase(id.sequence);
  worker.answers.insert(std::move(answer));
  while (LeftWindow(worker.answers.begin()->first, worker.answers.rbegin()->first)) {
    worker.answers.erase(worker.answers.begin());
  }
}

std::vector<CompletionRecords::Entry> CompletionRecords::entries() const {
  std::vector<Entry> all;
  MutexLock lock(mutex_);
  size_t count = 0;
  for (const auto& [worker_id, worker] : workers_) count += worker.answers.size();
  all.reserve(count);
  for (const auto& [worker_id, worker] : workers_) {
    for (const auto& [sequence, result] : worker.answers) {
      all.push_back({{worker_id, worker.incarnation, sequence}, result});
    }
  }
  return all;
}

uint64_t CompletionRecords::EntriesBytes() const {
  // What malloc adds to a worker's id.
  constexpr uint64_t kBlock = 16;
  uint64_t bytes = 0;
  MutexLock lock(mutex_);
  for (const auto& [worker_id, worker] : workers_) {
    bytes += worker.answers.size() * (sizeof(Entry) + worker_id.size() + kBlock);
  }
  return bytes;
}

}  // namespace varscope::server
