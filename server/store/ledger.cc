#include "server/store/ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/planted.h"

namespace varscope::server {

Ledger::Admission::Admission(Admission&& other) noexcept
    : ledger_(std::exchange(other.ledger_, nullptr)),
      id_(std::move(other.id_)),
      earlier_(std::move(other.earlier_)),
      answer_(std::move(other.answer_)) {}

void Ledger::Admission::Abandon() {
  Ledger* const ledger = std::exchange(ledger_, nullptr);
  if (ledger == nullptr || id_.sequence == 0 || earlier_) return;
  MutexLock lock(ledger->mutex_);
  ledger->workers_[id_.worker_id].under_way.erase({id_.incarnation, id_.sequence});
}

void Ledger::Admission::Reserve(size_t versions) {
  if (id_.sequence == 0) return;
  Answers answers;
  answers[id_.sequence].versions.reserve(versions);
  answer_ = answers.extract(answers.begin());
  MutexLock lock(ledger_->mutex_);
  ledger_->workers_[id_.worker_id];
}

void Ledger::Admission::Record(const Applied& applied) noexcept {
  Ledger& ledger = *std::exchange(ledger_, nullptr);
  if (id_.sequence == 0 || Planted(Plant::kForgetAnswer)) return;
  answer_.mapped() = applied;
  ledger.Insert(id_, std::move(answer_));
}

bool Ledger::LeftWindow(uint64_t sequence, uint64_t last) {
  return sequence < last && last - sequence >= kWindow;
}

absl::StatusOr<Ledger::Admission> Ledger::Begin(const PushId& id) {
  if (id.sequence == 0) return Admission(*this, id, std::nullopt);
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
  if (id.incarnation < worker.newest && !Planted(Plant::kIgnoreFence)) {
    return absl::AbortedError(absl::StrCat(push(), ": incarnation ", id.incarnation,
                                           " is fenced off by ", worker.newest));
  }
  const bool answered = id.incarnation == worker.incarnation && !worker.answers.empty();
  const auto it = worker.answers.find(id.sequence);
  if (answered && it != worker.answers.end()) return Admission(*this, id, it->second);
  if (answered && LeftWindow(id.sequence, worker.answers.rbegin()->first)) {
    return absl::InvalidArgumentError(
        absl::StrCat(push(), " is more than ", kWindow, " behind the worker's last, ",
                     worker.answers.rbegin()->first, ": whether it was applied is not known"));
  }
  const std::pair key{id.incarnation, id.sequence};
  if (worker.under_way.contains(key)) {
    return absl::UnavailableError(absl::StrCat(push(), " is being applied; send it again later"));
  }
  if (id.incarnation <= worker.fenced) {
    return absl::AbortedError(absl::StrCat(push(), " was not applied: its incarnation, ",
                                           id.incarnation, ", is fenced off"));
  }
  worker.under_way.insert(key);
  return Admission(*this, id, std::nullopt);
}

void Ledger::Reset(const std::vector<Entry>& entries) {
  {
    MutexLock lock(mutex_);
    for (auto& [worker_id, worker] : workers_) worker = Worker{.fenced = worker.fenced};
  }
  for (const Entry& entry : entries) Restore(entry);
}

void Ledger::Fence(const std::string& worker_id, uint64_t incarnation) {
  MutexLock lock(mutex_);
  Worker& worker = workers_[worker_id];
  worker.fenced = std::max(worker.fenced, incarnation);
}

void Ledger::Forget(const std::string& worker_id) {
  MutexLock lock(mutex_);
  const auto it = workers_.find(worker_id);
  if (it != workers_.end() && it->second.under_way.empty()) workers_.erase(it);
}

bool Ledger::Knows(const PushId& id) const {
  MutexLock lock(mutex_);
  const auto it = workers_.find(id.worker_id);
  if (it == workers_.end()) return false;
  const Worker& worker = it->second;
  return worker.under_way.contains({id.incarnation, id.sequence}) ||
         (worker.incarnation == id.incarnation && worker.answers.contains(id.sequence));
}

void Ledger::Restore(const Entry& entry) {
  Answers answers;
  answers[entry.id.sequence] = entry.applied;
  Insert(entry.id, answers.extract(answers.begin()));
}

void Ledger::Insert(const PushId& id, Answers::node_type answer) {
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
  // There may be thousands, and a worker sends its last push again, if any.
  for (auto& [sequence, applied] : worker.answers) {
    if (sequence != worker.answers.rbegin()->first) applied.versions = {};
  }
}

std::vector<Ledger::Entry> Ledger::entries() const {
  std::vector<Entry> all;
  MutexLock lock(mutex_);
  for (const auto& [worker_id, worker] : workers_) {
    for (const auto& [sequence, applied] : worker.answers) {
      all.push_back({{worker_id, worker.incarnation, sequence}, applied});
    }
  }
  return all;
}

}  // namespace varscope::server
