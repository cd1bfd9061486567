// The ways to one server: calls over a channel, and streams of requests.
#ifndef VARSCOPE_CLIENT_RPC_SERVER_CLIENT_H_
#define VARSCOPE_CLIENT_RPC_SERVER_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "client/rpc/call_list.h"
#include "client/rpc/pull_cache.h"
#include "client/rpc/stream_pool.h"
#include "proto/concurrency/mutex.h"
#include "varscope/connect_options.h"
#include "varscope/v1/admin.grpc.pb.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::internal {

// To the address that the program gave. Connects when it is used, and shares its connection with no
// other channel.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target);

// A channel, what is called over it, and its calls that are under way. Thread-safe.
class ServerChannel {
 public:
  explicit ServerChannel(const std::string& target)
      : grpc_(OpenChannel(target)),
        parameter_server_(v1::ParameterServer::NewStub(grpc_)),
        admin_(v1::Admin::NewStub(grpc_)) {}

  const std::shared_ptr<grpc::Channel>& grpc() const { return grpc_; }
  v1::ParameterServer::Stub& parameter_server() const { return *parameter_server_; }
  v1::Admin::Stub& admin() const { return *admin_; }
  // Those that can be ended.
  const std::shared_ptr<CallList>& calls() const { return calls_; }

 private:
  const std::shared_ptr<grpc::Channel> grpc_;
  const std::unique_ptr<v1::ParameterServer::Stub> parameter_server_;
  const std::unique_ptr<v1::Admin::Stub> admin_;
  const std::shared_ptr<CallList> calls_ = std::make_shared<CallList>();
};

// Thread-safe. Streams go through shared memory when the server is on this host, else over the
// channel. Not through a Unix socket: its buffer is 208 KiB, and each time that it is full gRPC
// hands the rest of a write to another thread, which makes large transfers slower than through TCP,
// at times ten times (tests/bench/NOTES.md).
class ServerClient {
 public:
  // Throws ValueError for what is no address, or no VARSCOPE_TRANSPORT.
  ServerClient(const std::string& target, const ConnectOptions& options);

  const std::string& target() const { return target_; }
  // For one attempt of a call.
  std::shared_ptr<const ServerChannel> channel() const;
  // Calls and streams that begin from now on have a new connection, unless that one has been
  // replaced before.
  void Replace(const std::shared_ptr<const ServerChannel>& failed);
  StreamPool& streams() { return streams_; }
  // Of values that were pulled from it.
  PullCache& pull_cache() { return pull_cache_; }

  // The endpoint that the server advertises to processes of its host; streams go there from now on.
  void SetAdvertised(const v1::LocalAddress& address);

 private:
  // The fastest stream that there is now.
  std::unique_ptr<Stream> Open(const Incarnation& incarnation);

  const std::string target_;
  const bool checksums_;  // of streams over the channel
  const bool local_;      // whether streams may go through shared memory
  mutable Mutex mutex_;
  std::shared_ptr<const ServerChannel> channel_ ABSL_GUARDED_BY(mutex_);
  std::string shared_memory_ ABSL_GUARDED_BY(mutex_);  // its name, as advertised
  StreamPool streams_;
  PullCache pull_cache_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_SERVER_CLIENT_H_
