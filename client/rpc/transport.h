// Which way the tensors go: through shared memory when the server is on this host, else to the
// address that the program gave. Not through a Unix socket: its buffer is 208 KiB, and each time
// that it is full gRPC hands the rest of a write to another thread, which makes large transfers
// slower than through TCP, at times ten times (tests/bench/NOTES.md).
#ifndef VARSCOPE_CLIENT_RPC_TRANSPORT_H_
#define VARSCOPE_CLIENT_RPC_TRANSPORT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "client/rpc/membership.h"
#include "client/rpc/stream.h"
#include "proto/concurrency/mutex.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::internal {

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target);

// Thread-safe.
class Transport {
 public:
  // `channel` is the program's address; `checksums` is for what goes over it.
  Transport(std::shared_ptr<grpc::Channel> channel, bool checksums)
      : channel_(std::move(channel)), checksums_(checksums) {}

  // The endpoint that the server advertises to processes of its host. True when that is news.
  bool SetAdvertised(const v1::LocalAddress& address);
  // Another stream of that session, the fastest way that there is now.
  std::unique_ptr<Stream> Open(const WorkerSession& session);

 private:
  std::string shared_memory();
  const std::shared_ptr<grpc::Channel> channel_;
  const bool checksums_;
  Mutex mutex_;
  std::string shared_memory_ ABSL_GUARDED_BY(mutex_);  // its name, as offered
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_TRANSPORT_H_
