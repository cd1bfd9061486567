#include "server/sync/clocks.h"

#include <algorithm>
#include <iterator>

namespace varscope::server {
namespace {

void AddTo(Clocks::Readers& all, Clocks::Readers more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

std::optional<uint64_t> Clocks::IncarnationOf(const std::string& worker_id) const {
  const auto it = clocks_.find(worker_id);
  if (it == clocks_.end()) return std::nullopt;
  return it->second.incarnation;
}

void Clocks::Advance(const std::string& worker_id, uint64_t incarnation) {
  const uint64_t before = order_.empty() ? 0 : Slowest() - 1;
  Clock& clock = clocks_.try_emplace(worker_id, Clock{incarnation, before}).first->second;
  const auto moves = [&](Order& order) {
    order.erase({clock.pushes, worker_id});
    order.emplace(clock.pushes + 1, worker_id);
  };
  moves(order_);
  if (!clock.readers.empty()) moves(held_);
  ++clock.pushes;
}

Clocks::Readers Clocks::Remove(const std::string& worker_id) {
  const auto it = clocks_.find(worker_id);
  if (it == clocks_.end()) return {};
  Readers readers = std::move(it->second.readers);
  order_.erase({it->second.pushes, worker_id});
  held_.erase({it->second.pushes, worker_id});
  clocks_.erase(it);
  return readers;
}

Clocks::Readers Clocks::RemoveIf(absl::FunctionRef<bool(const std::string&)> predicate) {
  std::vector<std::string> gone;
  for (const auto& [worker_id, clock] : clocks_) {
    if (predicate(worker_id)) gone.push_back(worker_id);
  }
  Readers readers;
  for (const std::string& worker_id : gone) AddTo(readers, Remove(worker_id));
  return readers;
}

bool Clocks::MayRead(const std::string& worker_id, uint64_t incarnation) const {
  const auto it = clocks_.find(worker_id);
  return it == clocks_.end() || it->second.incarnation != incarnation ||
         it->second.pushes <= Slowest() + bound_;
}

void Clocks::Wait(const std::string& worker_id, Reader reader) {
  Clock& clock = clocks_.at(worker_id);
  clock.readers.push_back(std::move(reader));
  held_.emplace(clock.pushes, worker_id);
}

Clocks::Readers Clocks::TakeReady() {
  Readers ready;
  while (!held_.empty() && held_.begin()->first <= Slowest() + bound_) {
    AddTo(ready, std::exchange(clocks_.at(held_.begin()->second).readers, {}));
    held_.erase(held_.begin());
  }
  return ready;
}

Clocks::Readers Clocks::TakeIf(absl::FunctionRef<bool(const Reader&)> predicate) {
  Readers taken;
  for (auto it = held_.begin(); it != held_.end();) {
    Readers& readers = clocks_.at(it->second).readers;
    const auto stays = [&](const Reader& reader) { return !predicate(reader); };
    const auto first = std::stable_partition(readers.begin(), readers.end(), stays);
    std::move(first, readers.end(), std::back_inserter(taken));
    readers.erase(first, readers.end());
    it = readers.empty() ? held_.erase(it) : std::next(it);
  }
  return taken;
}

void Clocks::ForEachSlowest(absl::FunctionRef<void(const std::string&)> each) const {
  const uint64_t slowest = Slowest();
  for (const auto& [pushes, worker_id] : order_) {
    if (pushes != slowest) return;
    each(worker_id);
  }
}

void Clocks::ForEachReader(absl::FunctionRef<void(const std::string&, const Reader&)> each) const {
  for (const auto& [pushes, worker_id] : held_) {
    for (const Reader& reader : clocks_.at(worker_id).readers) each(worker_id, reader);
  }
}

}  // namespace varscope::server
