// Which pushes of one worker may be under way at the same time, and their numbers.
#ifndef VARSCOPE_CLIENT_RPC_PUSH_ORDER_H_
#define VARSCOPE_CLIENT_RPC_PUSH_ORDER_H_

#include <cstdint>
#include <optional>
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

  // One push, until its answer.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept { *this = std::move(other); }
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(order_, other.order_);
      std::swap(lanes_, other.lanes_);
      std::swap(number_, other.number_);
      return *this;
    }
    ~Ticket();

    // The number that the push is sent with from now on: the next one. Nothing when other pushes of
    // this worker took all the time until `deadline`.
    std::optional<uint64_t> Number(Clock::time_point deadline);

   private:
    friend class PushOrder;
    Ticket(PushOrder& order, Lanes lanes) : order_(&order), lanes_(std::move(lanes)) {}

    PushOrder* order_ = nullptr;
    Lanes lanes_;
    uint64_t number_ = 0;  // 0: none yet
  };

  // As Ticket::Number, of those that have one of the lanes.
  std::optional<Ticket> Begin(Lanes lanes, Clock::time_point deadline);

 private:
  Mutex mutex_;
  CondVar changed_;
  std::set<std::string> lanes_ ABSL_GUARDED_BY(mutex_);   // those of all tickets
  std::set<uint64_t> under_way_ ABSL_GUARDED_BY(mutex_);  // their numbers
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;             // number
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_PUSH_ORDER_H_
