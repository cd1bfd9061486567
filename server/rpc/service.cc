#include "server/rpc/service.h"

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"
#include "proto/wire/convert.h"
#include "server/rpc/convert.h"
#include "server/rpc/reactors.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

absl::Status ResolveAll(Store& store, const Asker& asker, const v1::ResolveRequest& request,
                        v1::ResolveResponse* response) {
  for (const v1::VariableDefinition& definition : request.definitions()) {
    absl::StatusOr<ResolveRequest> asked = FromProto(definition);
    absl::StatusOr<Resolution> resolution =
        asked.ok() ? store.Resolve(asker, *asked) : absl::StatusOr<Resolution>(asked.status());
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

// Holds a worker at a barrier without holding a thread.
class BarrierReactor final : public grpc::ServerUnaryReactor {
 public:
  BarrierReactor(Barriers& barriers, const v1::BarrierRequest& request,
                 v1::BarrierResponse* response)
      : barriers_(barriers), name_(request.name()), worker_id_(request.worker_id()) {
    barriers_.Arrive(name_, worker_id_, request.parties(),
                     std::chrono::milliseconds(request.timeout_ms()),
                     [this, response](absl::StatusOr<uint64_t> round) {
                       if (round.ok()) response->set_round(*round);
                       Finish(ToGrpc(round.status()));
                     });
  }
  void OnCancel() override { barriers_.Leave(name_, worker_id_); }
  void OnDone() override { delete this; }

 private:
  Barriers& barriers_;
  const std::string name_;
  const std::string worker_id_;
};

}  // namespace

grpc::ServerUnaryReactor* ParameterServerService::Connect(grpc::CallbackServerContext* context,
                                                          const v1::ConnectRequest* request,
                                                          v1::ConnectResponse* response) {
  const Sharing sharing = request->sharing() == v1::SHARING_REPLICATED ? Sharing::kReplicated
                                                                       : Sharing::kGlobal;
  const absl::StatusOr<uint64_t> incarnation =
      workers_.Connect(request->worker_id(), request->host(), request->pid(), sharing);
  if (!incarnation.ok()) return Finish(context, incarnation.status());
  response->set_incarnation(*incarnation);
  response->set_global_step(store_.global_step());
  response->set_max_variable_bytes(store_.limits().max_variable_bytes);
  return Finish(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* ParameterServerService::Resolve(grpc::CallbackServerContext* context,
                                                          const v1::ResolveRequest* request,
                                                          v1::ResolveResponse* response) {
  const absl::StatusOr<Asker> asker = workers_.Check(request->worker_id(), request->incarnation());
  if (!asker.ok()) return Finish(context, asker.status());
  if (request->definitions_size() > limits_.max_definitions) {
    return Finish(context, absl::InvalidArgumentError(absl::StrCat(
                               "at most ", limits_.max_definitions, " definitions a call")));
  }
  return Finish(context, ResolveAll(store_, *asker, *request, response));
}

grpc::ServerUnaryReactor* ParameterServerService::Barrier(grpc::CallbackServerContext* context,
                                                          const v1::BarrierRequest* request,
                                                          v1::BarrierResponse* response) {
  absl::Status status = ValidateWorkerId(request->worker_id());
  if (status.ok()) status = ValidateVariableName(request->name());
  constexpr uint64_t kLongest = uint64_t{24} * 3600 * 1000;
  if (status.ok() && request->timeout_ms() > kLongest) {
    status = absl::InvalidArgumentError("a barrier's timeout is at most 24 hours");
  }
  if (!status.ok()) return Finish(context, status);
  return new BarrierReactor(barriers_, *request, response);
}

grpc::ServerUnaryReactor* ParameterServerService::List(grpc::CallbackServerContext* context,
                                                       const v1::ListRequest* request,
                                                       v1::ListResponse* response) {
  for (const VariablePtr& variable : store_.List(request->prefix())) {
    ToProto(*variable, response->add_variables());
  }
  response->set_global_step(store_.global_step());
  return Finish(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* ParameterServerService::Describe(grpc::CallbackServerContext* context,
                                                           const v1::DescribeRequest* request,
                                                           v1::DescribeResponse* response) {
  const absl::StatusOr<VariablePtr> variable = store_.Find(request->name());
  if (!variable.ok()) return Finish(context, variable.status());
  ToProto(**variable, response->mutable_variable());
  for (const VariablePtr& slot : store_.SlotsOf(request->name())) {
    ToProto(*slot, response->add_slots());
  }
  return Finish(context, absl::OkStatus());
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* ParameterServerService::Pull(
    grpc::CallbackServerContext* /*context*/, const grpc::ByteBuffer* request) {
  return new PullReactor(store_, *request);
}

grpc::ServerReadReactor<grpc::ByteBuffer>* ParameterServerService::Push(
    grpc::CallbackServerContext* /*context*/, grpc::ByteBuffer* response) {
  return new PushReactor(store_, workers_, limits_.max_push_bytes, response);
}

}  // namespace varscope::server
