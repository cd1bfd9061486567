// The ways to one server: calls over a channel, and streams of requests.
#ifndef VARSCOPE_CLIENT_RPC_SERVER_CLIENT_H_
#define VARSCOPE_CLIENT_RPC_SERVER_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "client/rpc/pull_cache.h"
#include "client/rpc/stream_pool.h"
#include "proto/concurrency/mutex.h"
#include "varscope/connect_options.h"
#include "varscope/v1/admin.grpc.pb.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::internal {

// To the address that the program gave. Connects when it is used.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target);

// Thread-safe. Streams go through shared memory when the server is on this host, else over the
// channel. Not through a Unix socket: its buffer is 208 KiB, and each time that it is full gRPC
// hands the rest of a write to another thread, which makes large transfers slower than through TCP,
// at times ten times (tests/bench/NOTES.md).
class ServerClient {
 public:
  // Throws ValueError for what is no address, or no VARSCOPE_TRANSPORT.
  ServerClient(const std::string& target, const ConnectOptions& options);

  const std::string& target() const { return target_; }
  grpc::Channel& channel() { return *channel_; }
  v1::ParameterServer::Stub& parameter_server() { return *parameter_server_; }
  v1::Admin::Stub& admin() { return *admin_; }
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
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::ParameterServer::Stub> parameter_server_;
  const std::unique_ptr<v1::Admin::Stub> admin_;
  Mutex mutex_;
  std::string shared_memory_ ABSL_GUARDED_BY(mutex_);  // its name, as advertised
  StreamPool streams_;
  PullCache pull_cache_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_SERVER_CLIENT_H_
