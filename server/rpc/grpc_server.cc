#include "server/rpc/grpc_server.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/wire/channel_arguments.h"
#include "server/rpc/busy_connections.h"
#include "server/rpc/listen.h"

namespace varscope::server {
namespace {

// Of the queue.
int Leaders() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 4, 1, 16);
}

// Of gRPC's own, for reflection: what they decode is counted nowhere.
constexpr int kMaxThreads = 3;

// When the buffers are full, gRPC makes windows smaller, and ends streams and idle connections with
// RESOURCE_EXHAUSTED and UNAVAILABLE, whosever they are: the client sends such a request again.
void SetQuota(grpc::ServerBuilder& builder, const ServiceLimits& limits) {
  grpc::ResourceQuota quota("calls");
  quota.SetMaxThreads(kMaxThreads);
  if (limits.buffered_bytes > 0) quota.Resize(limits.buffered_bytes);
  builder.SetResourceQuota(quota);
}

// gRPC ends the process when it does not get one of the threads that it starts with.
absl::Status CheckThreads() {
  constexpr int kThreads = 16;
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  std::vector<std::thread> threads;
  // Told once no thread is left: without memory for the text they would still have to be joined.
  std::error_code missing;
  try {
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([ended] { ended.wait(); });
  } catch (const std::system_error& error) {
    missing = error.code();
  } catch (const std::bad_alloc&) {
    missing = std::make_error_code(std::errc::not_enough_memory);
  }
  end.set_value();
  for (std::thread& thread : threads) thread.join();
  if (!missing) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the system has fewer than ", kThreads,
                   " threads for gRPC (ulimit -u), or no memory for their stacks (ulimit -v): ",
                   missing.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const ServiceContext& context, const std::vector<std::string>& addresses) {
  auto self = std::unique_ptr<GrpcServer>(new GrpcServer(context));
  std::vector<shm::FileDescriptor> sockets;
  absl::Status status = self->Listen(addresses, context.local.target, sockets);
  if (status.ok()) status = CheckThreads();
  if (!status.ok()) return status;
  // Never given back: at its end gRPC waits for all threads that it ever wanted, also for those
  // that it could not have.
  grpc_init();
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  const std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor =
      builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          grpc::InsecureServerCredentials());
  builder.RegisterService(&self->service_);
  builder.RegisterService(&self->admin_);
  builder.RegisterService(&self->health_);
  builder.SetMaxReceiveMessageSize(wire::kMaxMessageBytes);
  // gRPC would unpack a message of any size before anybody could look at it.
  for (const grpc_compression_algorithm packed : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP}) {
    builder.SetCompressionAlgorithmSupportStatus(packed, false);
  }
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // A worker's heartbeats and streams are calls; whoever makes none keeps no descriptor.
  constexpr int kIdleMs = 120000;
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMs);
  SetQuota(builder, context.limits);
  for (const auto& [name, value] : wire::kChannelArguments) builder.AddChannelArgument(name, value);
  std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  self->server_ = builder.BuildAndStart();
  if (self->server_ == nullptr) return absl::UnavailableError("gRPC does not start");
  self->queue_.emplace(std::move(queue), Leaders());
  if (!self->queue_->runs()) return absl::UnavailableError("no thread to serve calls");
  self->service_.Accept(*self->queue_);
  self->admin_.Accept(*self->queue_);
  self->health_.Accept(*self->queue_);
  absl::StatusOr<std::unique_ptr<AcceptLoop>> accepting = AcceptLoop::Start(
      std::move(sockets), [acceptor](shm::FileDescriptor connection, int listening) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
        parameters.listener_fd = listening;
        parameters.fd = connection.release();
        acceptor->HandleNewConnection(&parameters);
      });
  if (!accepting.ok()) return accepting.status();
  self->accepting_ = *std::move(accepting);
  return self;
}

absl::Status GrpcServer::Listen(const std::vector<std::string>& addresses,
                                const std::string& local_target,
                                std::vector<shm::FileDescriptor>& sockets) {
  const auto listen = [&](const std::string& address) -> absl::StatusOr<int> {
    absl::StatusOr<Listening> listening = server::Listen(address);
    if (!listening.ok()) return listening.status();
    for (shm::FileDescriptor& socket : listening->sockets) {
      if (std::string name = UnixNameOf(socket.get()); !name.empty()) {
        unix_names_.push_back(std::move(name));
      }
      sockets.push_back(std::move(socket));
    }
    const int port = listening->port;
    listening->sockets.clear();
    if (!listening->path.empty()) unix_sockets_.push_back(*std::move(listening));
    return port;
  };
  for (const std::string& address : addresses) {
    const absl::StatusOr<int> port = listen(address);
    if (!port.ok()) return port.status();
    ports_.push_back(*port);
  }
  return local_target.empty() ? absl::OkStatus() : listen(local_target).status();
}

GrpcServer::~GrpcServer() {
  accepting_.reset();
  for (const Listening& listening : unix_sockets_) RemoveSocket(listening);
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
}

}  // namespace varscope::server
