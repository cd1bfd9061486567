#include "server/store/ledger.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace varscope::server {

Ledger::Admission::Admission(Admission&& other) noexcept
    : ledger_(std::exchange(other.ledger_, nullptr)),
      id_(std::move(other.id_)),
      earlier_(std::move(other.earlier_)) {}

Ledger::Admission::~Admission() {
  if (ledger_ == nullptr || id_.sequence == 0 || earlier_) return;
  std::lock_guard lock(ledger_->mutex_);
  Worker& worker = ledger_->workers_[id_.worker_id];
  if (worker.incarnation == id_.incarnation) worker.under_way.erase(id_.sequence);
}

void Ledger::Admission::Record(const Applied& applied) {
  Ledger& ledger = *std::exchange(ledger_, nullptr);
  if (id_.sequence > 0) ledger.Restore({id_, applied});
}

Ledger::Worker& Ledger::Reach(const PushId& id) {
  Worker& worker = workers_[id.worker_id];
  if (id.incarnation > worker.incarnation) worker = Worker{.incarnation = id.incarnation};
  return worker;
}

absl::StatusOr<Ledger::Admission> Ledger::Begin(const PushId& id) {
  if (id.sequence == 0) return Admission(*this, id, std::nullopt);
  const auto push = [&] {
    return absl::StrCat("push ", id.sequence, " of worker '", id.worker_id, "'");
  };
  std::lock_guard lock(mutex_);
  Worker& worker = Reach(id);
  if (id.incarnation < worker.incarnation) {
    return absl::AbortedError(absl::StrCat(push(), ": incarnation ", id.incarnation,
                                           " is fenced off by ", worker.incarnation));
  }
  if (const auto it = worker.answers.find(id.sequence); it != worker.answers.end()) {
    return Admission(*this, id, it->second);
  }
  if (!worker.answers.empty() && id.sequence + kWindow <= worker.answers.rbegin()->first) {
    return absl::InvalidArgumentError(
        absl::StrCat(push(), " is more than ", kWindow, " behind the worker's last, ",
                     worker.answers.rbegin()->first, ": whether it was applied is not known"));
  }
  if (!worker.under_way.insert(id.sequence).second) {
    return absl::UnavailableError(absl::StrCat(push(), " is being applied; send it again later"));
  }
  return Admission(*this, id, std::nullopt);
}

void Ledger::Restore(const Entry& entry) {
  std::lock_guard lock(mutex_);
  Worker& worker = Reach(entry.id);
  if (entry.id.incarnation < worker.incarnation) return;
  worker.under_way.erase(entry.id.sequence);
  worker.answers[entry.id.sequence] = entry.applied;
  while (worker.answers.begin()->first + kWindow <= worker.answers.rbegin()->first) {
    worker.answers.erase(worker.answers.begin());
  }
}

std::vector<Ledger::Entry> Ledger::entries() const {
  std::vector<Entry> all;
  std::lock_guard lock(mutex_);
  for (const auto& [worker_id, worker] : workers_) {
    for (const auto& [sequence, applied] : worker.answers) {
      all.push_back({{worker_id, worker.incarnation, sequence}, applied});
    }
  }
  return all;
}

}  // namespace varscope::server
