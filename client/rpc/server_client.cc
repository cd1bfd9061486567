#include "client/rpc/server_client.h"

#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/rpc/raw_call.h"
#include "client/rpc/shm_stream.h"
#include "proto/wire/address.h"
#include "proto/wire/channel_arguments.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

constexpr const char* kExchange = "/varscope.v1.ParameterServer/Exchange";

bool MayUseSharedMemory(const ConnectOptions& options) {
  const char* const from_environment = std::getenv("VARSCOPE_TRANSPORT");
  const std::string wanted = from_environment == nullptr ? "auto" : from_environment;
  if (wanted != "auto" && wanted != "target") {
    throw ValueError(absl::StrCat("VARSCOPE_TRANSPORT is auto or target, not '", wanted, "'"));
  }
  return options.transport == TransportMode::kAuto && wanted == "auto";
}

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

ServerClient::ServerClient(const std::string& target, const ConnectOptions& options)
    : target_(target),
      checksums_(options.checksums),
      local_(MayUseSharedMemory(options)),
      channel_(std::make_shared<const ServerChannel>(target)),
      streams_([this](const Incarnation& incarnation) { return Open(incarnation); }),
      pull_cache_(options.cache_pulls) {
  if (absl::Status status = ValidateTarget(target); !status.ok()) {
    throw ValueError(std::string(status.message()));
  }
}

std::shared_ptr<const ServerChannel> ServerClient::channel() const {
  MutexLock lock(mutex_);
  return channel_;
}

void ServerClient::Replace(const std::shared_ptr<const ServerChannel>& failed) {
  MutexLock lock(mutex_);
  if (channel_ != failed) return;
  // The caller has the old one: it does not end here.
  channel_ = std::make_shared<const ServerChannel>(target_);
  lock.unlock();
  streams_.Renew();
}

void ServerClient::SetAdvertised(const v1::LocalAddress& address) {
  MutexLock lock(mutex_);
  if (!local_ || address.shared_memory() == shared_memory_) return;
  shared_memory_ = address.shared_memory();
  lock.unlock();
  streams_.Renew();
}

std::unique_ptr<Stream> ServerClient::Open(const Incarnation& incarnation) {
  const std::string& key = incarnation.session_key;
  MutexLock lock(mutex_);
  const std::string shared_memory = shared_memory_;
  const std::shared_ptr<const ServerChannel> channel = channel_;
  lock.unlock();
  if (!shared_memory.empty()) {
    if (std::unique_ptr<Stream> stream = ShmStream::Open(shared_memory, key)) return stream;
  }
  return std::make_unique<RawCall>(channel->grpc(), kExchange, key, checksums_, channel->calls());
}

}  // namespace varscope::internal
