// grpc.health.v1.Health. gRPC's own implementation uses the callback API: see CallQueue.
#ifndef VARSCOPE_SERVER_RPC_HEALTH_H_
#define VARSCOPE_SERVER_RPC_HEALTH_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "proto/concurrency/mutex.h"
#include "server/env/env.h"
#include "server/rpc/call_queue.h"
#include "server/sync/durability.h"

namespace varscope::server {

// Knows the whole server, "", and the services of varscope.v1, which are all in the same state.
// Thread-safe.
class HealthService final
    : public grpc::health::v1::Health::WithRawMethod_Check<
          grpc::health::v1::Health::WithRawMethod_Watch<grpc::health::v1::Health::Service>> {
 public:
  // They are idle for as long as they like, and nobody ends them.
  static constexpr size_t kMostWatchers = 1000;

  // `durability` and `env` outlive it. A server that can take no pushes, because nothing reaches
  // its disk, does not serve.
  explicit HealthService(const Durability& durability, Env& env = SystemEnv());
  ~HealthService() override { timer_->Stop(); }

  // To be called when the server has started, once. `queue` is one of the server's.
  void Accept(CallQueue& queue);
  // From now on, and to all who watch.
  void StopServing();

 private:
  class CheckCall;
  class Watcher;
  using State = grpc::health::v1::HealthCheckResponse::ServingStatus;

  State StateNow() const;
  // Tells those who watch what has changed.
  Time Look();
  void TellAll();
  // ResourceExhausted when kMostWatchers watch.
  absl::Status Add(const std::shared_ptr<Watcher>& watcher);
  void ForgetGone() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = true;
  std::vector<std::weak_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
  const Durability& durability_;
  Env& env_;
  State told_ = grpc::health::v1::HealthCheckResponse::SERVING;  // by Look alone
  std::unique_ptr<Timer> timer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_HEALTH_H_
