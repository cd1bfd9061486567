#include "server/rpc/service.h"

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"
#include "proto/wire/convert.h"
#include "server/codec/push.h"
#include "server/rpc/convert.h"
#include "server/rpc/exchange.h"
#include "server/rpc/owned_reactor.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"
#include "server/rpc/unary.h"

namespace varscope::server {
namespace {

absl::StatusOr<Resolution> ResolveOne(Store& store, const Asker& asker, const Definer& worker,
                                      const v1::VariableDefinition& definition) {
  absl::StatusOr<ResolveRequest> asked = FromProto(definition);
  if (!asked.ok()) return asked.status();
  // Who defines is who asks; where, the program says.
  asked->definer = codec::DefinerAt(definition.definer(), worker);
  return store.Resolve(asker, *asked);
}

absl::Status ResolveAll(Store& store, Asker asker, const Definer& worker,
                        const v1::ResolveRequest& request, v1::ResolveResponse* response) {
  for (int i = 0; i < request.definitions_size(); ++i) {
    const v1::VariableDefinition& definition = request.definitions(i);
    asker.request = request.sequence() == 0 ? 0 : (request.sequence() << 20) + i;
    const absl::StatusOr<Resolution> resolution = ResolveOne(store, asker, worker, definition);
    if (!resolution.ok()) {
      const std::string& name = definition.key().empty() ? definition.name() : definition.key();
      return absl::Status(resolution.status().code(),
                          absl::StrCat("worker '", asker.worker_id, "', variable '",
                                       Printable(name), "': ", resolution.status().message()));
    }
    ToProto(*resolution, response->add_resolutions());
  }
  return absl::OkStatus();
}

void ToProto(const LocalAddress& address, v1::LocalAddress* out) {
  out->set_shared_memory(address.shared_memory);
  out->set_target(address.target);
}

absl::Status CheckBarrier(const v1::BarrierRequest& request) {
  constexpr uint64_t kLongest = uint64_t{24} * 3600 * 1000;
  if (absl::Status status = ValidateWorkerId(request.worker_id()); !status.ok()) return status;
  if (absl::Status status = ValidateVariableName(request.name()); !status.ok()) return status;
  if (request.timeout_ms() <= kLongest) return absl::OkStatus();
  return absl::InvalidArgumentError("a barrier's timeout is at most 24 hours");
}

// Holds a worker at a barrier without holding a thread. Deletes itself.
class BarrierReactor final : public OwnedReactor<grpc::ServerUnaryReactor> {
 public:
  BarrierReactor(const ServiceContext& service, const v1::BarrierRequest& request,
                 grpc::CallbackServerContext* context, v1::BarrierResponse* response)
      : OwnedReactor(service.calls),
        service_(service),
        name_(request.name()),
        worker_id_(request.worker_id()),
        incarnation_(request.incarnation()),
        context_(context) {
    std::lock_guard lock(mutex_);
    absl::Status status = admitted();
    if (status.ok()) status = CheckBarrier(request);
    if (status.ok() && incarnation_ > 0) {
      status = service_.workers.Check(worker_id_, incarnation_).status();
    }
    if (!status.ok()) {
      Finish(ToGrpc(status, *context_));
      return;
    }
    service_.barriers.Arrive(
        name_, worker_id_, request.parties(), std::chrono::milliseconds(request.timeout_ms()),
        [this, response](absl::StatusOr<uint64_t> round) {
          if (round.ok()) response->set_round(*round);
          Finish(ToGrpc(WhatNow(service_.workers, worker_id_, incarnation_, round.status()),
                        *context_));
        });
  }
  void OnCancel() override { service_.barriers.Leave(name_, worker_id_); }

 private:
  const ServiceContext& service_;
  const std::string name_;
  const std::string worker_id_;
  const uint64_t incarnation_;
  grpc::CallbackServerContext* const context_;
};

}  // namespace

ParameterServerService::ParameterServerService(const ServiceContext& context) : context_(context) {
  // The tensors' stream is raw (byte buffers); everything else is ordinary protobuf.
  const int exchange = google::protobuf::DescriptorPool::generated_pool()
                           ->FindMethodByName("varscope.v1.ParameterServer.Exchange")
                           ->index();
  MarkMethodRawCallback(exchange,
                        new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                            [this](grpc::CallbackServerContext* call) {
                              return new ExchangeReactor(context_, call);
                            }));
}

grpc::ServerUnaryReactor* ParameterServerService::Connect(grpc::CallbackServerContext* context,
                                                          const v1::ConnectRequest* request,
                                                          v1::ConnectResponse* response) {
  return new DurableReactor(context_.calls, context_.durability, context, [&]() -> absl::Status {
    const Sharing sharing =
        request->sharing() == v1::SHARING_REPLICATED ? Sharing::kReplicated : Sharing::kGlobal;
    const absl::StatusOr<uint64_t> incarnation = context_.workers.Connect(
        request->worker_id(), request->host(), request->pid(), sharing, request->nonce());
    if (!incarnation.ok()) return incarnation.status();
    response->set_incarnation(*incarnation);
    response->set_global_step(context_.store.global_step());
    response->set_max_variable_bytes(context_.store.limits().max_variable_bytes);
    response->set_lease_ms(context_.workers.lease().count());
    for (const GroupStatus& group : context_.synchronizer.status()) {
      ToProto(group, response->add_groups());
    }
    ToProto(context_.local, response->mutable_local());
    for (const v1::Encoding encoding :
         {v1::ENCODING_FLOAT16, v1::ENCODING_BFLOAT16, v1::ENCODING_INT8}) {
      response->add_encodings(encoding);
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ParameterServerService::Resolve(grpc::CallbackServerContext* context,
                                                          const v1::ResolveRequest* request,
                                                          v1::ResolveResponse* response) {
  return new DurableReactor(context_.calls, context_.durability, context, [&]() -> absl::Status {
    const absl::StatusOr<Asker> asker =
        context_.workers.Check(request->worker_id(), request->incarnation());
    if (!asker.ok()) return asker.status();
    if (request->definitions_size() > context_.limits.max_definitions) {
      return absl::InvalidArgumentError(
          absl::StrCat("at most ", context_.limits.max_definitions, " definitions a call"));
    }
    return ResolveAll(context_.store, *asker, context_.workers.Describe(asker->worker_id), *request,
                      response);
  });
}

grpc::ServerUnaryReactor* ParameterServerService::Barrier(grpc::CallbackServerContext* context,
                                                          const v1::BarrierRequest* request,
                                                          v1::BarrierResponse* response) {
  return new BarrierReactor(context_, *request, context, response);
}

grpc::ServerUnaryReactor* ParameterServerService::Heartbeat(grpc::CallbackServerContext* context,
                                                            const v1::HeartbeatRequest* request,
                                                            v1::HeartbeatResponse* response) {
  return new UnaryReactor(context_.calls, context, [&] {
    // Another one after a restart, which the worker may not notice otherwise.
    ToProto(context_.local, response->mutable_local());
    return context_.workers.Check(request->worker_id(), request->incarnation()).status();
  });
}

grpc::ServerUnaryReactor* ParameterServerService::Disconnect(grpc::CallbackServerContext* context,
                                                             const v1::DisconnectRequest* request,
                                                             v1::DisconnectResponse*) {
  return new UnaryReactor(context_.calls, context, [&] {
    return context_.workers.Disconnect(request->worker_id(), request->incarnation());
  });
}

}  // namespace varscope::server
