#include "server/sync/clocks.h"

#include <iterator>
#include <utility>

namespace varscope::server {
std::optional<uint64_t> Clocks::IncarnationOf(const std::string& worker_id) const {
  const auto it = clocks_.find(worker_id);
  if (it == clocks_.end()) return std::nullopt;
  return it->second.incarnation;
}

void Clocks::Advance(const std::string& worker_id, uint64_t incarnation) {
  const auto it = clocks_.find(worker_id);
  if (it == clocks_.end()) {
    ClockMap clock;
    const auto& [id, joined] =
        *clock.emplace(worker_id, Clock{incarnation, order_.empty() ? 1 : Slowest()}).first;
    order_.insert({joined.pushes, &id});
    clocks_.merge(clock);
    return;
  }
  Clock& clock = it->second;
  const auto moves = [&](Order& order) {
    Order::node_type place = order.extract({clock.pushes, &it->first});
    ++place.value().pushes;
    order.insert(std::move(place));
  };
  moves(order_);
  if (!clock.readers.empty()) moves(held_);
  ++clock.pushes;
}

Clocks::Readers Clocks::Remove(ClockMap::iterator clock) {
  Readers readers = std::move(clock->second.readers);
  order_.erase({clock->second.pushes, &clock->first});
  held_.erase({clock->second.pushes, &clock->first});
  clocks_.erase(clock);
  return readers;
}

Clocks::Readers Clocks::Remove(const std::string& worker_id) {
  const auto it = clocks_.find(worker_id);
  return it == clocks_.end() ? Readers() : Remove(it);
}

Clocks::Readers Clocks::RemoveIf(absl::FunctionRef<bool(const std::string&)> predicate) {
  Readers readers;
  for (auto it = clocks_.begin(); it != clocks_.end();) {
    const auto clock = it++;
    if (predicate(clock->first)) readers.splice(readers.end(), Remove(clock));
  }
  return readers;
}

bool Clocks::MayRead(const std::string& worker_id, uint64_t incarnation) const {
  const auto it = clocks_.find(worker_id);
  return it == clocks_.end() || it->second.incarnation != incarnation ||
         it->second.pushes <= Slowest() + bound_;
}

Clocks::Reader& Clocks::Wait(const std::string& worker_id, Readers& reader) {
  const auto clock = clocks_.find(worker_id);
  held_.insert({clock->second.pushes, &clock->first});
  Readers& readers = clock->second.readers;
  readers.splice(readers.end(), reader);
  return readers.back();
}

Clocks::Readers Clocks::TakeReady() {
  Readers ready;
  while (!held_.empty() && held_.begin()->pushes <= Slowest() + bound_) {
    ready.splice(ready.end(), clocks_.find(*held_.begin()->worker_id)->second.readers);
    held_.erase(held_.begin());
  }
  return ready;
}

Clocks::Readers Clocks::TakeIf(absl::FunctionRef<bool(const Reader&)> predicate) {
  Readers taken;
  for (auto it = held_.begin(); it != held_.end();) {
    Readers& readers = clocks_.find(*it->worker_id)->second.readers;
    for (auto reader = readers.begin(); reader != readers.end();) {
      const auto own = reader++;
      if (predicate(*own)) taken.splice(taken.end(), readers, own);
    }
    it = readers.empty() ? held_.erase(it) : std::next(it);
  }
  return taken;
}

void Clocks::ForEachSlowest(absl::FunctionRef<void(const std::string&)> each) const {
  const uint64_t slowest = Slowest();
  for (const Place& place : order_) {
    if (place.pushes != slowest) return;
    each(*place.worker_id);
  }
}

void Clocks::ForEachReader(absl::FunctionRef<void(const std::string&, const Reader&)> each) const {
  for (const Place& place : held_) {
    for (const Reader& reader : clocks_.find(*place.worker_id)->second.readers) {
      each(*place.worker_id, reader);
    }
  }
}

}  // namespace varscope::server
