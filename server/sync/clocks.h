// How far each worker of an ssp group is, and whose reads wait until the slowest has come closer.
#ifndef VARSCOPE_SERVER_SYNC_CLOCKS_H_
#define VARSCOPE_SERVER_SYNC_CLOCKS_H_

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "server/env/env.h"
#include "server/sync/group.h"

namespace varscope::server {

// Not thread-safe. Each function takes a time that grows with the logarithm of the number of
// workers, and with what it returns; those that are called for each worker or read, with them. Only
// those that say so take memory, and change nothing without: so no reader is lost.
class Clocks {
 public:
  struct Reader {
    Time since;
    Time until;  // the worker waits
    ReadDone done;
    absl::Status answer = {};  // once it is known
  };
  using Readers = std::list<Reader>;

  // A read may be so many pushes ahead of the slowest worker.
  explicit Clocks(uint64_t bound) : bound_(bound) {}

  size_t size() const { return clocks_.size(); }
  bool somebody_waits() const { return !held_.empty(); }
  // Of a worker that takes part.
  std::optional<uint64_t> IncarnationOf(const std::string& worker_id) const;

  // A push of the worker, whose earlier incarnation was removed. Who joins with it is then as far
  // as the slowest, which takes memory.
  void Advance(const std::string& worker_id, uint64_t incarnation);
  // The worker takes part no longer; returns its reads that wait.
  Readers Remove(const std::string& worker_id);
  Readers RemoveIf(absl::FunctionRef<bool(const std::string& worker_id)> predicate);

  bool MayRead(const std::string& worker_id, uint64_t incarnation) const;
  // Requires that it may not read now. Takes memory, and then `reader`, which has one; returns it.
  Reader& Wait(const std::string& worker_id, Readers& reader);
  // Those that may read now.
  Readers TakeReady();
  Readers TakeIf(absl::FunctionRef<bool(const Reader&)> predicate);

  void ForEachSlowest(absl::FunctionRef<void(const std::string& worker_id)> each) const;
  void ForEachReader(
      absl::FunctionRef<void(const std::string& worker_id, const Reader&)> each) const;

 private:
  struct Clock {
    uint64_t incarnation;
    uint64_t pushes;
    Readers readers = {};
  };
  // By pushes: the names are those of clocks_.
  struct Place {
    uint64_t pushes;
    const std::string* worker_id;
    friend bool operator<(const Place& a, const Place& b) {
      return a.pushes != b.pushes ? a.pushes < b.pushes : *a.worker_id < *b.worker_id;
    }
  };
  using Order = std::set<Place>;
  using ClockMap = std::map<std::string, Clock>;

  uint64_t Slowest() const { return order_.empty() ? 0 : order_.begin()->pushes; }
  Readers Remove(ClockMap::iterator clock);

  const uint64_t bound_;
  ClockMap clocks_;
  Order order_;  // all
  Order held_;   // those with readers
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SYNC_CLOCKS_H_
