#include "server/rpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/wire/channel_arguments.h"

namespace varscope::server {
namespace {

// Of the queue.
int Leaders() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 4, 1, 16);
}

// Each of the short calls holds one while it lasts.
constexpr int kMaxThreads = 1024;

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const ServiceContext& context, const std::vector<std::string>& addresses) {
  auto self = std::unique_ptr<GrpcServer>(new GrpcServer(context));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  self->ports_.resize(addresses.size());
  for (size_t i = 0; i < addresses.size(); ++i) {
    builder.AddListeningPort(addresses[i], grpc::InsecureServerCredentials(), &self->ports_[i]);
  }
  if (!context.local.target.empty()) {
    builder.AddListeningPort(context.local.target, grpc::InsecureServerCredentials());
  }
  builder.RegisterService(&self->service_);
  builder.RegisterService(&self->health_);
  builder.SetMaxReceiveMessageSize(wire::kMaxMessageBytes);
  builder.SetResourceQuota(grpc::ResourceQuota("calls").SetMaxThreads(kMaxThreads));
  for (const auto& [name, value] : wire::kChannelArguments) builder.AddChannelArgument(name, value);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  self->server_ = builder.BuildAndStart();
  if (self->server_ == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", absl::StrJoin(addresses, ", "),
                     ": is it in use, or not an address of this machine?"));
  }
  self->queue_.emplace(std::move(queue), Leaders());
  self->service_.Accept(*self->queue_);
  self->health_.Accept(*self->queue_);
  return self;
}

GrpcServer::~GrpcServer() {
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
}

}  // namespace varscope::server
