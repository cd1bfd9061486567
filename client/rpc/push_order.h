// Which pushes of one worker may be under way at the same time, and their numbers.
#ifndef VARSCOPE_CLIENT_RPC_PUSH_ORDER_H_
#define VARSCOPE_CLIENT_RPC_PUSH_ORDER_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/rpc/retry.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Thread-safe. Pushes that have a lane in common follow each other; others go together, as long as
// their numbers are less than kPushWindow apart. Outlives its tickets.
class PushOrder {
 public:
  using Lanes = std::vector<std::string>;

  // `late` is the error's text when other pushes of this worker took all of a push's time.
  explicit PushOrder(std::string late) : late_(std::move(late)) {}

  // One push, until its answer. Not thread-safe.
  class Ticket {
   public:
    // Waits until no other push has one of the lanes. Throws DeadlineExceededError at `deadline`.
    Ticket(PushOrder& order, Lanes lanes, Clock::time_point deadline);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    // The number that the push is sent with under that incarnation of its worker. Sent again it
    // keeps it; under another incarnation it is another push, and gets the next one, for which it
    // may have to wait. Throws as the constructor.
    uint64_t NumberFor(uint64_t incarnation);
    // The highest number under that incarnation of which Keep was called, by any ticket; 0: none.
    uint64_t KeptOf(uint64_t incarnation) const;
    // The push was applied, and outlives a crash of the server.
    void Keep();

   private:
    PushOrder& order_;
    const Lanes lanes_;
    const Clock::time_point deadline_;
    uint64_t incarnation_ = 0;  // that the number is for
    uint64_t number_ = 0;       // 0: none yet
  };

 private:
  const std::string late_;
  Mutex mutex_;
  CondVar changed_;
  std::set<std::string> lanes_ ABSL_GUARDED_BY(mutex_);   // those of all tickets
  std::set<uint64_t> under_way_ ABSL_GUARDED_BY(mutex_);  // their numbers
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;             // number
  // The incarnation and the highest number that Keep was called for.
  std::pair<uint64_t, uint64_t> kept_ ABSL_GUARDED_BY(mutex_) = {0, 0};
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_PUSH_ORDER_H_
