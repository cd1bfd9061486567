// What reactors of the service share: they count as calls under way, delete themselves, and ask
// before they change something.
#ifndef VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_
#define VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <string>

#include "proto/core/advice.h"
#include "server/rpc/calls.h"
#include "server/sync/durability.h"
#include "server/sync/workers.h"

namespace varscope::server {

// gRPC calls a reactor's callbacks one after the other, on any thread. Constructors and callbacks
// hold `mutex_`, so that this order does not rest on gRPC alone.
template <typename Reactor>
class OwnedReactor : public Reactor {
 protected:
  explicit OwnedReactor(Calls& calls) : call_(calls) {}
  // OK, or why the call must end at once.
  const absl::Status& admitted() const { return call_.admitted(); }

  std::mutex mutex_;

 private:
  void OnDone() final {
    { std::lock_guard lock(mutex_); }
    delete this;
  }
  const Calls::Call call_;
};

// OK, or why no change may be made now; then the client is told when to ask again.
inline absl::Status AdmitChange(const Durability& durability) {
  absl::Status status = durability.Admit();
  return status.ok() ? status : AdviseRetry(std::move(status), std::chrono::milliseconds(200));
}

// A worker whose incarnation ended while its call waited is told what to do now.
inline absl::Status WhatNow(Workers& workers, const std::string& worker_id, uint64_t incarnation,
                            const absl::Status& status) {
  if (!absl::IsAborted(status) || incarnation == 0) return status;
  const absl::StatusOr<Asker> asker = workers.Check(worker_id, incarnation);
  return asker.ok() ? status : asker.status();
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_
