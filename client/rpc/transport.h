// Which way the tensors go: through shared memory or a Unix socket when the daemon is on this host,
// else to the address that the program gave.
#ifndef VARSCOPE_CLIENT_RPC_TRANSPORT_H_
#define VARSCOPE_CLIENT_RPC_TRANSPORT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <string>

#include "client/rpc/stream.h"
#include "varscope/v1/varscope.pb.h"

namespace varscope::internal {

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target);

// Thread-safe.
class Transport {
 public:
  // `channel` is the program's address; `checksums` is for what goes over it.
  Transport(std::shared_ptr<grpc::Channel> channel, bool checksums)
      : channel_(std::move(channel)), checksums_(checksums) {}

  // Where the daemon says that it is for processes of its host. True when that is news.
  bool Offer(const v1::LocalAddress& address);
  // Another stream of turns, the fastest way that there is now.
  std::unique_ptr<Stream> Open();

 private:
  std::string shared_memory();
  std::shared_ptr<grpc::Channel> Local();

  const std::shared_ptr<grpc::Channel> channel_;
  const bool checksums_;
  std::mutex mutex_;
  v1::LocalAddress offered_;              // guarded by mutex_, as the next
  std::shared_ptr<grpc::Channel> local_;  // to offered_.target
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_TRANSPORT_H_
