#include "client/rpc/transport.h"

#include "client/rpc/raw_call.h"
#include "client/rpc/shm_stream.h"
#include "proto/wire/channel_arguments.h"

namespace varscope::internal {
namespace {

constexpr const char* kExchange = "/varscope.v1.ParameterServer/Exchange";

}  // namespace

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target) {
  grpc::ChannelArguments arguments;
  // A list of all variables is as long as there are many.
  arguments.SetMaxReceiveMessageSize(-1);
  // The program gives the server's own address: an HTTP proxy of its environment is not for it.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  for (const auto& [name, value] : wire::kChannelArguments) arguments.SetInt(name, value);
  // A server that restarts is found again soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Each worker of one process has its own connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

bool Transport::SetAdvertised(const v1::LocalAddress& address) {
  MutexLock lock(mutex_);
  if (address.shared_memory() == shared_memory_) return false;
  shared_memory_ = address.shared_memory();
  return true;
}

std::string Transport::shared_memory() {
  MutexLock lock(mutex_);
  return shared_memory_;
}

std::unique_ptr<Stream> Transport::Open(const WorkerSession& session) {
  if (const std::string name = shared_memory(); !name.empty()) {
    if (std::unique_ptr<Stream> stream = ShmStream::Open(name, session.key)) return stream;
  }
  return std::make_unique<RawCall>(channel_, kExchange, session.key, checksums_);
}

}  // namespace varscope::internal
