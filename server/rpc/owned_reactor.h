// What reactors of the service share: they count as calls under way, delete themselves, and ask
// before they change something.
#ifndef VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_
#define VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <mutex>

#include "proto/core/advice.h"
#include "server/rpc/calls.h"
#include "server/sync/durability.h"

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

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_
