// The server: all its parts, put together.
#ifndef VARSCOPE_SERVER_SERVER_H_
#define VARSCOPE_SERVER_SERVER_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/env/env.h"
#include "server/memory_guard.h"
#include "server/options.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/shm_listener.h"

namespace varscope::server {

// A process may have several, each with its own state, addresses and data directory. Thread-safe,
// but for Serve and Stop, which one thread calls.
class Server {
 public:
  // Recovers what the data directory has. The error says why it cannot be used: another server has
  // it, it cannot be written, it is damaged; ResourceExhausted when the system has no memory for
  // it. `env` outlives the server. `stop` is asked now and then while it recovers: true ends that,
  // with Cancelled; null: nothing does.
  static absl::StatusOr<std::unique_ptr<Server>> Open(const Options& options,
                                                      Env& env = SystemEnv(),
                                                      const std::function<bool()>& stop = nullptr);
  // Stops, unless it has been stopped.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes calls on options.listen from now on. Once. The error names the address that cannot be
  // had.
  absl::Status Serve();
  // One for each address of options.listen; 0 for a Unix socket. Once it serves.
  const std::vector<int>& ports() const { return grpc_->ports(); }

  // What calls work with, for a transport that is not one of Serve's.
  const ServiceContext& context() const { return *context_; }

  // Takes no more calls, gives those under way options.grace_seconds, cuts off what is left, and
  // writes a last snapshot, so that the next start has no log to replay. Returns when no thread of
  // the server is left: whether the data directory, if there is one, has all that was acknowledged.
  // Without memory for one of these it goes on with the next. A second call does nothing, and
  // returns true.
  bool Stop();

 private:
  Server(const Options& options, Env& env);
  absl::Status Recover(const std::function<bool()>& stop);
  // The process's, if the options have a limit.
  void LimitMemory();
  void Begin();
  void EndCalls();
  // Whether all is saved, in it or in the log.
  bool TakeLastSnapshot();

  // In the order in which they need each other: the last one goes first.
  Env& env_;
  const Options options_;
  Store store_;
  Workers workers_;
  std::unique_ptr<Durability> durability_;
  SessionKeys session_keys_;
  std::unique_ptr<Synchronizer> synchronizer_;
  Barriers barriers_;
  InFlightCalls in_flight_calls_;
  DefinitionLanes definition_lanes_;
  StreamPlaces stream_places_;
  MemoryQuota memory_quota_;    // of pushes
  PinnedMemory pinned_memory_;  // of pulls
  StallDetector stall_detector_;
  std::unique_ptr<const ServiceContext> context_;
  std::unique_ptr<ShmListener> shared_memory_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<MemoryGuard> memory_guard_;  // null: there is no limit
  bool stopped_ = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_SERVER_H_
