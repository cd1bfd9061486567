#include "client/rpc/transport.h"

#include "client/rpc/raw_call.h"
#include "client/rpc/shm_stream.h"
#include "proto/wire/channel_arguments.h"

namespace varscope::internal {
namespace {

constexpr const char* kExchange = "/varscope.v1.ParameterServer/Exchange";

// Whether the channel is up; on another host that is known at once.
bool Connects(grpc::Channel& channel) {
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(200);
  for (;;) {
    const grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) return false;
    if (!channel.WaitForStateChange(state, deadline)) return false;
  }
}

}  // namespace

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target) {
  grpc::ChannelArguments arguments;
  // A list of all variables is as long as there are many.
  arguments.SetMaxReceiveMessageSize(-1);
  // The program gives the daemon's own address: an HTTP proxy of its environment is not for it.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  for (const auto& [name, value] : wire::kChannelArguments) arguments.SetInt(name, value);
  // A daemon that restarts is found again soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Each worker of one process has its own connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

bool Transport::Offer(const v1::LocalAddress& address) {
  std::lock_guard lock(mutex_);
  if (address.shared_memory() == offered_.shared_memory() &&
      address.target() == offered_.target()) {
    return false;
  }
  offered_ = address;
  local_.reset();
  return true;
}

std::shared_ptr<grpc::Channel> Transport::Local() {
  std::lock_guard lock(mutex_);
  if (local_ == nullptr && !offered_.target().empty()) local_ = OpenChannel(offered_.target());
  return local_;
}

std::string Transport::shared_memory() {
  std::lock_guard lock(mutex_);
  return offered_.shared_memory();
}

std::unique_ptr<Stream> Transport::Open() {
  if (const std::string name = shared_memory(); !name.empty()) {
    if (std::unique_ptr<Stream> stream = ShmStream::Open(name)) return stream;
  }
  if (const auto local = Local(); local != nullptr && Connects(*local)) {
    return std::make_unique<RawCall>(local, kExchange);
  }
  return std::make_unique<RawCall>(channel_, kExchange, checksums_);
}

}  // namespace varscope::internal
