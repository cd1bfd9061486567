// One snapshot for all who asked for one while another was being taken.
#ifndef VARSCOPE_SERVER_RPC_SHARED_SNAPSHOT_H_
#define VARSCOPE_SERVER_RPC_SHARED_SNAPSHOT_H_

#include <atomic>
#include <cstdint>

#include "absl/status/statusor.h"
#include "proto/concurrency/done_once.h"
#include "server/sync/durability.h"

namespace varscope::server {

class SharedSnapshot {
 public:
  // How many were begun so far: the next has all that is there now. Thread-safe.
  uint64_t begun() const { return begun_; }
  // A snapshot without a name, as Durability::TakeSnapshot, that was begun after begun() was
  // `asked`: perhaps one that another call has got. One call at a time.
  const absl::StatusOr<TakenSnapshot>& Take(Durability& durability, uint64_t asked) {
    if (begun_ == asked) {
      // Until it is known: no earlier one is taken for it.
      last_ = *kNobodyAnswered;
      ++begun_;
      last_ = durability.TakeSnapshot("");
    }
    return last_;
  }

 private:
  std::atomic<uint64_t> begun_{0};
  absl::StatusOr<TakenSnapshot> last_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_SHARED_SNAPSHOT_H_
