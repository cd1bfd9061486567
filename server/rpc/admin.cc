// The operator's calls of the service.
#include "absl/status/statusor.h"
#include "server/rpc/convert.h"
#include "server/rpc/service.h"
#include "server/rpc/unary.h"

namespace varscope::server {

grpc::Status ParameterServerService::List(grpc::ServerContext* context,
                                          const v1::ListRequest* request,
                                          v1::ListResponse* response) {
  return Answer(context_.calls, context, [&] {
    for (const VariablePtr& variable : context_.store.List(request->prefix())) {
      ToProto(*variable, response->add_variables());
    }
    response->set_global_step(context_.store.global_step());
    return absl::OkStatus();
  });
}

grpc::Status ParameterServerService::Describe(grpc::ServerContext* context,
                                              const v1::DescribeRequest* request,
                                              v1::DescribeResponse* response) {
  return Answer(context_.calls, context, [&]() -> absl::Status {
    const absl::StatusOr<VariablePtr> variable = context_.store.Find(request->name());
    if (!variable.ok()) return variable.status();
    ToProto(**variable, response->mutable_variable());
    for (const VariablePtr& slot : context_.store.SlotsOf(request->name())) {
      ToProto(*slot, response->add_slots());
    }
    return absl::OkStatus();
  });
}

grpc::Status ParameterServerService::Snapshot(grpc::ServerContext* context,
                                              const v1::SnapshotRequest* request,
                                              v1::SnapshotResponse* response) {
  return Answer(context_.calls, context, [&]() -> absl::Status {
    const absl::StatusOr<TakenSnapshot> taken = context_.durability.TakeSnapshot(request->name());
    if (!taken.ok()) return taken.status();
    response->set_path(taken->path.string());
    response->set_name(taken->name);
    return absl::OkStatus();
  });
}

grpc::Status ParameterServerService::ListSnapshots(grpc::ServerContext* context,
                                                   const v1::ListSnapshotsRequest*,
                                                   v1::ListSnapshotsResponse* response) {
  return Answer(context_.calls, context, [&]() -> absl::Status {
    const absl::StatusOr<std::vector<SnapshotInfo>> infos = context_.durability.ListSnapshots();
    if (!infos.ok()) return infos.status();
    for (const SnapshotInfo& info : *infos) ToProto(info, response->add_snapshots());
    return absl::OkStatus();
  });
}

grpc::Status ParameterServerService::Rollback(grpc::ServerContext* context,
                                              const v1::RollbackRequest* request,
                                              v1::RollbackResponse* response) {
  return Answer(context_.calls, context, [&]() -> absl::Status {
    const absl::StatusOr<uint64_t> step = context_.durability.Rollback(request->name());
    if (!step.ok()) return step.status();
    response->set_global_step(*step);
    return absl::OkStatus();
  });
}

grpc::Status ParameterServerService::ListWorkers(grpc::ServerContext* context,
                                                 const v1::ListWorkersRequest*,
                                                 v1::ListWorkersResponse* response) {
  return Answer(context_.calls, context, [&] {
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

grpc::Status ParameterServerService::ListGroups(grpc::ServerContext* context,
                                                const v1::ListGroupsRequest*,
                                                v1::ListGroupsResponse* response) {
  return Answer(context_.calls, context, [&] {
    for (const GroupStatus& group : context_.synchronizer.status()) {
      ToProto(group, response->add_groups());
    }
    return absl::OkStatus();
  });
}

grpc::Status ParameterServerService::Quarantine(grpc::ServerContext* context,
                                                const v1::QuarantineRequest* request,
                                                v1::QuarantineResponse*) {
  return Answer(context_.calls, context, [&] {
    return context_.workers.Quarantine(request->worker_id(), request->reason());
  });
}

}  // namespace varscope::server
