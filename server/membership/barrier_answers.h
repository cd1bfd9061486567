// What arrivals at barriers were answered: one that is sent again gets the same, as the pushes of
// store/completion_records.h do.
#ifndef VARSCOPE_SERVER_MEMBERSHIP_BARRIER_ANSWERS_H_
#define VARSCOPE_SERVER_MEMBERSHIP_BARRIER_ANSWERS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/memory/idle_memory.h"
#include "server/env/env.h"

namespace varscope::server {

// A worker that comes to a barrier, as one call says it.
struct Arrival {
  std::string worker_id;
  uint64_t incarnation = 0;
  // Higher than that of each arrival of the worker before, at any barrier and in any incarnation.
  // One that is sent again has the same. 0: it is not sent again.
  uint64_t sequence = 0;
  // It was sent before, perhaps to an earlier life of the server.
  bool again = false;
  // The last round of this barrier whose end the worker has been told; 0: none.
  uint64_t passed = 0;
  uint32_t parties = 0;
  std::chrono::milliseconds timeout{0};
  const void* call = nullptr;  // another one for each call that waits, see Leave
};

struct BarrierAnswer {
  enum class Told : uint8_t {
    kRound,       // it was complete
    kSuperseded,  // the worker arrived again
    kUnseen,      // nobody knows what became of its round
    kLate,        // its time was over
  };
  Told told = Told::kRound;
  uint64_t round = 0;  // of kRound

  // As the arrival at that barrier is told.
  absl::StatusOr<uint64_t> ToStatus(const std::string& barrier, const Arrival& arrival) const;
};

// Not thread-safe.
class BarrierAnswers {
 public:
  // Whether a worker's incarnation goes on. May take locks.
  using IsLive = std::function<bool(const std::string& worker_id, uint64_t incarnation)>;

  // Of so many workers it is known what they were answered, of each the last so many answers.
  static constexpr size_t kMostWorkers = 10000;
  static constexpr size_t kMostAnswers = 32;

  explicit BarrierAnswers(IsLive is_live) : is_live_(std::move(is_live)) {}

  // What the arrival was answered before; Aborted when that is forgotten; nothing when it is new.
  std::optional<absl::StatusOr<uint64_t>> Find(const std::string& barrier,
                                               const Arrival& arrival) const;
  // Takes the memory for all that the worker will have been answered. Returns what every barrier at
  // which it waits has a copy of, so that these are counted. ResourceExhausted when kMostWorkers
  // are live, or as IdleMemory::Reserve.
  using Place = std::shared_ptr<const void>;
  absl::StatusOr<Place> Enter(const Arrival& arrival, Time now);
  // Requires Enter, unless the worker's answers were forgotten since. Takes no memory.
  void Remember(const Arrival& arrival, const BarrierAnswer& answer, Time now) noexcept;

 private:
  struct Worker {
    // And the arrivals' sequences; has room for one more than kMostAnswers.
    std::vector<std::pair<uint64_t, BarrierAnswer>> answers;
    uint64_t forgotten = 0;    // the highest sequence that is no longer among them
    uint64_t incarnation = 0;  // that came last
    Time used;
    IdleMemory::Hold held = {};
    Place place = std::make_shared<char>();
  };

  // False: all workers are live.
  bool ForgetOneThatIsOver();

  const IsLive is_live_;
  std::map<std::string, Worker> workers_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMBERSHIP_BARRIER_ANSWERS_H_
