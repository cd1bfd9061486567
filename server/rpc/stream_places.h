// How many streams there may be at a time.
#ifndef VARSCOPE_SERVER_RPC_STREAM_PLACES_H_
#define VARSCOPE_SERVER_RPC_STREAM_PLACES_H_

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/concurrency/mutex.h"
#include "proto/memory/idle_memory.h"
#include "server/auth/caller.h"

namespace varscope::server {

// An idle stream is ended by nobody. Those of one worker have no more memory than IdleMemory leaves
// to it; of callers without a session there are so many at most, besides. Thread-safe. Outlives
// every Place.
class StreamPlaces {
 public:
  static constexpr size_t kMostWithoutSession = 1000;

  // One stream's, from its begin to its end.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept { *this = std::move(other); }
    Place& operator=(Place&& other) noexcept;
    ~Place() { Leave(); }

   private:
    friend class StreamPlaces;
    void Leave();

    StreamPlaces* places_ = nullptr;  // not null: the stream has no session
    IdleMemory::Hold held_;
  };

  // ResourceExhausted when the streams without a session are too many, or, as
  // IdleMemory::Reserve, without memory for what is kept of a stream.
  absl::StatusOr<Place> Take(const Caller& caller);

 private:
  absl::Status EnterWithoutSession();

  Mutex mutex_;
  size_t without_session_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_STREAM_PLACES_H_
