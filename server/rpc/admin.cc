#include "server/rpc/admin.h"

#include "absl/status/statusor.h"
#include "server/rpc/convert.h"
#include "server/rpc/unary_call.h"

namespace varscope::server {
namespace {

// About 64 KiB.
constexpr int kListedAtOnce = 256;

// One call on one of gRPC's threads, which `answer` may keep: it gets the caller and returns a
// Status.
template <typename Request, typename Fn>
grpc::Status Answer(const ServiceContext& service, grpc::ServerContext* context,
                    const Request& /*request*/, Fn&& answer) {
  const InFlightCalls::Call call(service.in_flight_calls);
  if (!call.admitted().ok()) return ToGrpc(call.admitted(), *context);
  const absl::StatusOr<Caller> caller = CallerOf<Request>(service, *context);
  return ToGrpc(caller.ok() ? answer(*caller) : caller.status(), *context);
}

}  // namespace

grpc::Status AdminService::ListVariables(grpc::ServerContext* context,
                                         const v1::ListVariablesRequest* request,
                                         grpc::ServerWriter<v1::ListVariablesResponse>* writer) {
  return Answer(context_, context, *request, [&](const Caller& caller) -> absl::Status {
    StallDetector::IdleTimeout idle_timeout(context_.stall_detector, [&] { context->TryCancel(); });
    v1::ListVariablesResponse some;
    some.set_global_step(context_.store.changes.global_step());
    const auto send = [&]() -> absl::Status {
      if (!writer->Write(some)) return absl::CancelledError("the caller stopped reading");
      idle_timeout.Progress(some.ByteSizeLong());
      some.clear_variables();
      return absl::OkStatus();
    };
    for (const VariablePtr& variable : context_.store.catalog.List(request->prefix())) {
      // Who may not read a variable does not see that there is one.
      if (!Authorize(caller, Right::kRead, variable->def.name).ok()) continue;
      ToProto(*variable, some.add_variables());
      if (some.variables_size() < kListedAtOnce) continue;
      if (absl::Status status = send(); !status.ok()) return status;
    }
    return send();
  });
}

grpc::Status AdminService::DescribeVariable(grpc::ServerContext* context,
                                            const v1::DescribeVariableRequest* request,
                                            v1::DescribeVariableResponse* response) {
  return Answer(context_, context, *request, [&](const Caller& caller) -> absl::Status {
    if (absl::Status may = Authorize(caller, Right::kRead, request->name()); !may.ok()) return may;
    const absl::StatusOr<VariablePtr> variable = context_.store.catalog.Find(request->name());
    if (!variable.ok()) return variable.status();
    ToProto(**variable, response->mutable_variable());
    for (const VariablePtr& slot : context_.store.catalog.List("")) {
      if (slot->def.primary == request->name()) ToProto(*slot, response->add_slots());
    }
    return absl::OkStatus();
  });
}

grpc::Status AdminService::TakeSnapshot(grpc::ServerContext* context,
                                        const v1::TakeSnapshotRequest* request,
                                        v1::TakeSnapshotResponse* response) {
  return Answer(context_, context, *request, [&](const Caller&) -> absl::Status {
    const absl::StatusOr<TakenSnapshot> taken = context_.durability.TakeSnapshot(request->name());
    if (!taken.ok()) return taken.status();
    response->set_path(taken->path.string());
    response->set_name(taken->name);
    return absl::OkStatus();
  });
}

grpc::Status AdminService::ListSnapshots(grpc::ServerContext* context,
                                         const v1::ListSnapshotsRequest* request,
                                         v1::ListSnapshotsResponse* response) {
  return Answer(context_, context, *request, [&](const Caller&) -> absl::Status {
    const absl::StatusOr<std::vector<SnapshotInfo>> infos = context_.durability.ListSnapshots();
    if (!infos.ok()) return infos.status();
    for (const SnapshotInfo& info : *infos) ToProto(info, response->add_snapshots());
    return absl::OkStatus();
  });
}

grpc::Status AdminService::Rollback(grpc::ServerContext* context,
                                    const v1::RollbackRequest* request,
                                    v1::RollbackResponse* response) {
  return Answer(context_, context, *request, [&](const Caller&) -> absl::Status {
    const absl::StatusOr<uint64_t> step = context_.durability.Rollback(request->name());
    if (!step.ok()) return step.status();
    response->set_global_step(*step);
    return absl::OkStatus();
  });
}

grpc::Status AdminService::ListWorkers(grpc::ServerContext* context,
                                       const v1::ListWorkersRequest* request,
                                       v1::ListWorkersResponse* response) {
  return Answer(context_, context, *request, [&](const Caller&) {
    const std::multimap<std::string, std::string> waits = context_.barriers.waits();
    for (const WorkerStatus& worker : context_.workers.status()) {
      v1::WorkerInfo* const out = response->add_workers();
      ToProto(worker, out);
      const auto [first, last] = waits.equal_range(worker.record.worker_id);
      for (auto it = first; it != last; ++it) out->add_waits(it->second);
    }
    return absl::OkStatus();
  });
}

grpc::Status AdminService::ListGroups(grpc::ServerContext* context,
                                      const v1::ListGroupsRequest* request,
                                      v1::ListGroupsResponse* response) {
  return Answer(context_, context, *request, [&](const Caller&) {
    for (const GroupStatus& group : context_.synchronizer.status()) {
      ToProto(group, response->add_groups());
    }
    return absl::OkStatus();
  });
}

void AdminService::Accept(CallQueue& queue) {
  ServeUnary(
      *this, &AdminService::RequestQuarantine, context_, queue,
      UnaryHandler<v1::QuarantineRequest, v1::QuarantineResponse>{
          [this](const Caller&, const v1::QuarantineRequest& request, v1::QuarantineResponse*,
                 CallDone done) {
            AnswerDurably(
                context_.durability,
                [&] { return context_.workers.Quarantine(request.worker_id(), request.reason()); },
                std::move(done));
          },
          {}});
}

}  // namespace varscope::server
