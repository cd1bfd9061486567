#include "server/rpc/service.h"

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"
#include "proto/wire/convert.h"
#include "server/codec/push.h"
#include "server/rpc/convert.h"
#include "server/rpc/reactors.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

// A unary call that one function answers. Deletes itself.
class UnaryReactor final : public OwnedReactor<grpc::ServerUnaryReactor> {
 public:
  template <typename Fn>
  UnaryReactor(Calls& calls, Fn&& answer) : OwnedReactor(calls) {
    std::lock_guard lock(mutex_);
    Finish(ToGrpc(admitted().ok() ? answer() : admitted()));
  }
};

// The same for a call that changes something: the answer leaves when the change is on the medium.
class DurableReactor final : public OwnedReactor<grpc::ServerUnaryReactor> {
 public:
  template <typename Fn>
  DurableReactor(Calls& calls, Durability& durability, grpc::CallbackServerContext* context,
                 Fn&& answer)
      : OwnedReactor(calls) {
    std::lock_guard lock(mutex_);
    absl::Status status = admitted();
    if (status.ok()) status = AdmitChange(durability, *context);
    if (status.ok()) status = answer();
    if (status.ok()) {
      durability.OnceOnMedium([this](const absl::Status& durable) { Finish(ToGrpc(durable)); });
    } else {
      Finish(ToGrpc(status));
    }
  }
};

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
  BarrierReactor(Calls& calls, Barriers& barriers, const v1::BarrierRequest& request,
                 v1::BarrierResponse* response)
      : OwnedReactor(calls),
        barriers_(barriers),
        name_(request.name()),
        worker_id_(request.worker_id()) {
    std::lock_guard lock(mutex_);
    absl::Status status = admitted();
    if (status.ok()) status = CheckBarrier(request);
    if (!status.ok()) {
      Finish(ToGrpc(status));
      return;
    }
    barriers_.Arrive(name_, worker_id_, request.parties(),
                     std::chrono::milliseconds(request.timeout_ms()),
                     [this, response](absl::StatusOr<uint64_t> round) {
                       if (round.ok()) response->set_round(*round);
                       Finish(ToGrpc(round.status()));
                     });
  }
  void OnCancel() override { barriers_.Leave(name_, worker_id_); }

 private:
  Barriers& barriers_;
  const std::string name_;
  const std::string worker_id_;
};

}  // namespace

grpc::ServerUnaryReactor* ParameterServerService::Connect(grpc::CallbackServerContext* context,
                                                          const v1::ConnectRequest* request,
                                                          v1::ConnectResponse* response) {
  return new DurableReactor(calls_, durability_, context, [&]() -> absl::Status {
    const Sharing sharing =
        request->sharing() == v1::SHARING_REPLICATED ? Sharing::kReplicated : Sharing::kGlobal;
    const absl::StatusOr<uint64_t> incarnation =
        workers_.Connect(request->worker_id(), request->host(), request->pid(), sharing);
    if (!incarnation.ok()) return incarnation.status();
    response->set_incarnation(*incarnation);
    response->set_global_step(store_.global_step());
    response->set_max_variable_bytes(store_.limits().max_variable_bytes);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ParameterServerService::Resolve(grpc::CallbackServerContext* context,
                                                          const v1::ResolveRequest* request,
                                                          v1::ResolveResponse* response) {
  return new DurableReactor(calls_, durability_, context, [&]() -> absl::Status {
    const absl::StatusOr<Asker> asker =
        workers_.Check(request->worker_id(), request->incarnation());
    if (!asker.ok()) return asker.status();
    if (request->definitions_size() > limits_.max_definitions) {
      return absl::InvalidArgumentError(
          absl::StrCat("at most ", limits_.max_definitions, " definitions a call"));
    }
    return ResolveAll(store_, *asker, workers_.Describe(asker->worker_id), *request, response);
  });
}

grpc::ServerUnaryReactor* ParameterServerService::Barrier(grpc::CallbackServerContext*,
                                                          const v1::BarrierRequest* request,
                                                          v1::BarrierResponse* response) {
  return new BarrierReactor(calls_, barriers_, *request, response);
}

grpc::ServerUnaryReactor* ParameterServerService::List(grpc::CallbackServerContext*,
                                                       const v1::ListRequest* request,
                                                       v1::ListResponse* response) {
  return new UnaryReactor(calls_, [&] {
    for (const VariablePtr& variable : store_.List(request->prefix())) {
      ToProto(*variable, response->add_variables());
    }
    response->set_global_step(store_.global_step());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ParameterServerService::Describe(grpc::CallbackServerContext*,
                                                           const v1::DescribeRequest* request,
                                                           v1::DescribeResponse* response) {
  return new UnaryReactor(calls_, [&]() -> absl::Status {
    const absl::StatusOr<VariablePtr> variable = store_.Find(request->name());
    if (!variable.ok()) return variable.status();
    ToProto(**variable, response->mutable_variable());
    for (const VariablePtr& slot : store_.SlotsOf(request->name())) {
      ToProto(*slot, response->add_slots());
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ParameterServerService::Snapshot(grpc::CallbackServerContext*,
                                                           const v1::SnapshotRequest*,
                                                           v1::SnapshotResponse* response) {
  return new UnaryReactor(calls_, [&]() -> absl::Status {
    const absl::StatusOr<std::filesystem::path> path = durability_.TakeSnapshot();
    if (!path.ok()) return path.status();
    response->set_path(path->string());
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* ParameterServerService::Pull(
    grpc::CallbackServerContext* /*context*/, const grpc::ByteBuffer* request) {
  return new PullReactor(calls_, store_, *request);
}

grpc::ServerReadReactor<grpc::ByteBuffer>* ParameterServerService::Push(
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  return new PushReactor(calls_, store_, workers_, durability_, limits_.max_push_bytes, context,
                         response);
}

}  // namespace varscope::server
