// What reactors of the service share: they count as calls under way and delete themselves.
#ifndef VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_
#define VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <mutex>

#include "server/rpc/calls.h"

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

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_OWNED_REACTOR_H_
