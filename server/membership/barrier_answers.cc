#include "server/membership/barrier_answers.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/failpoint.h"

namespace varscope::server {

absl::StatusOr<uint64_t> BarrierAnswer::ToStatus(const std::string& barrier,
                                                 const Arrival& arrival) const {
  switch (told) {
    case Told::kRound:
      return round;
    case Told::kSuperseded:
      return absl::AbortedError("the worker arrived again");
    case Told::kUnseen:
      return absl::AbortedError(absl::StrCat(
          "the server was started again while worker '", arrival.worker_id, "' came to barrier '",
          barrier,
          "' for the first time: a round is complete, and nobody knows whether with this worker"));
    case Told::kLate:
      break;
  }
  return absl::DeadlineExceededError("its time was over when it was sent again");
}

std::optional<absl::StatusOr<uint64_t>> BarrierAnswers::Find(const std::string& barrier,
                                                             const Arrival& arrival) const {
  if (arrival.sequence == 0 || FailpointIsOn(Failpoint::kBarrierCountsTwice)) return std::nullopt;
  const auto worker = workers_.find(arrival.worker_id);
  if (worker == workers_.end()) return std::nullopt;
  for (const auto& [sequence, answer] : worker->second.answers) {
    if (sequence == arrival.sequence) return answer.ToStatus(barrier, arrival);
  }
  if (arrival.sequence > worker->second.forgotten) return std::nullopt;
  return absl::AbortedError(absl::StrCat("worker '", arrival.worker_id, "': its arrival ",
                                         arrival.sequence, " is older than all that are known"));
}

// What a live worker was answered it may still ask for.
bool BarrierAnswers::ForgetOneThatIsOver() {
  auto oldest = workers_.end();
  for (auto it = workers_.begin(); it != workers_.end(); ++it) {
    if (is_live_(it->first, it->second.incarnation)) continue;
    if (oldest == workers_.end() || it->second.used < oldest->second.used) oldest = it;
  }
  if (oldest == workers_.end()) return false;
  workers_.erase(oldest);
  return true;
}

absl::StatusOr<BarrierAnswers::Place> BarrierAnswers::Enter(const Arrival& arrival, Time now) {
  // Beside the worker's id.
  constexpr uint64_t kBytes = 2048;
  if (const auto known = workers_.find(arrival.worker_id); known != workers_.end()) {
    Worker& worker = known->second;
    worker.incarnation = arrival.incarnation;
    return worker.place;
  }
  if (workers_.size() >= kMostWorkers && !ForgetOneThatIsOver()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("worker '", arrival.worker_id, "': ", kMostWorkers,
                     " workers that are connected have come to barriers"));
  }
  const uint64_t bytes = kBytes + 2 * arrival.worker_id.size();
  absl::StatusOr<IdleMemory::Hold> held = IdleMemory::Process().Reserve(arrival.worker_id, bytes);
  if (!held.ok() && ForgetOneThatIsOver()) {
    held = IdleMemory::Process().Reserve(arrival.worker_id, bytes);
  }
  if (!held.ok()) return held.status();
  Worker worker{.incarnation = arrival.incarnation, .used = now, .held = *std::move(held)};
  worker.answers.reserve(kMostAnswers + 1);
  return workers_.emplace(arrival.worker_id, std::move(worker)).first->second.place;
}

void BarrierAnswers::Remember(const Arrival& arrival, const BarrierAnswer& answer,
                              Time now) noexcept {
  const auto it = workers_.find(arrival.worker_id);
  // Others have come since, so many that it is forgotten.
  if (arrival.sequence == 0 || it == workers_.end()) return;
  Worker& worker = it->second;
  worker.used = now;
  worker.answers.emplace_back(arrival.sequence, answer);
  if (worker.answers.size() <= kMostAnswers) return;
  worker.forgotten = std::max(worker.forgotten, worker.answers.front().first);
  worker.answers.erase(worker.answers.begin());
}

}  // namespace varscope::server
