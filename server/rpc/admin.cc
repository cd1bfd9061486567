#include "server/rpc/admin.h"

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/wire/retry_info.h"
#include "server/catalog/variable_pages.h"
#include "server/rpc/convert.h"
#include "server/rpc/list_call.h"
#include "server/rpc/unary_call.h"

namespace varscope::server {
namespace {

// Workers of a list.
constexpr size_t kListedAtOnce = 64;

// Nothing of a variable that a rollback has taken away meanwhile.
void AddState(const Catalog& catalog, const Variable& variable, v1::VariableInfo* info) {
  catalog.Read([&](const NameTable& names) {
    const NameTable::StatePlace place = names.PlaceOf(variable);
    if (place.key == nullptr) return;
    info->set_state_key(*place.key);
    info->set_state_index(static_cast<uint32_t>(place.index));
    info->set_non_slot(place.non_slot);
  });
}

// Of the next page, those whose names start with the prefix. Who may not read a variable does not
// see that there is one.
absl::StatusOr<ListSource<v1::ListVariablesResponse>> ListVariables(
    const ServiceContext& service, const Caller& caller, const v1::ListVariablesRequest& request) {
  const auto next = [pages = VariablePages(service.store.catalog),
                     page = std::vector<VariablePtr>(), at = size_t{0}, prefix = request.prefix(),
                     caller, &catalog = service.store.catalog,
                     global_step = service.store.changes.global_step()](
                        v1::ListVariablesResponse* part) mutable -> absl::StatusOr<bool> {
    if (at == page.size()) {
      absl::StatusOr<std::vector<VariablePtr>> another = pages.Next();
      if (!another.ok()) return another.status();
      page = *std::move(another);
      at = 0;
    }
    const bool more = !page.empty();
    uint64_t bytes = 0;
    for (; at < page.size() && bytes < ListSource<v1::ListVariablesResponse>::kPartBytes; ++at) {
      const std::string& name = page[at]->def.name;
      if (!absl::StartsWith(name, prefix) || !Authorize(caller, Right::kRead, name).ok()) continue;
      v1::VariableInfo* const info = part->add_variables();
      ToProto(*page[at], info);
      if (page[at]->def.kind == VariableKind::kSlot) AddState(catalog, *page[at], info);
      bytes += AnswerBytesOf(*page[at]) + info->state_key().size();
    }
    // A list without variables has one part all the same: the step.
    if (bytes > 0 || !more) part->set_global_step(global_step);
    return more;
  };
  return ListSource<v1::ListVariablesResponse>{next};
}

absl::StatusOr<ListSource<v1::ListWorkersResponse>> ListWorkers(const ServiceContext& service,
                                                                const Caller&,
                                                                const v1::ListWorkersRequest&) {
  const auto next = [&service, last = std::string()](
                        v1::ListWorkersResponse* part) mutable -> absl::StatusOr<bool> {
    const std::vector<WorkerStatus> workers = service.workers.StatusAfter(last, kListedAtOnce);
    if (workers.empty()) return false;
    last = workers.back().record.worker_id;
    const std::multimap<std::string, std::string> waits =
        service.barriers.waits(workers.front().record.worker_id, last);
    for (const WorkerStatus& worker : workers) {
      v1::WorkerInfo* const out = part->add_workers();
      ToProto(worker, out);
      const auto [first, end] = waits.equal_range(worker.record.worker_id);
      for (auto it = first; it != end; ++it) out->add_waits(it->second);
    }
    return true;
  };
  return ListSource<v1::ListWorkersResponse>{next};
}

absl::Status DescribeVariable(const ServiceContext& service, const Caller& caller,
                              const v1::DescribeVariableRequest& request,
                              Answer<v1::DescribeVariableResponse>& answer) {
  if (absl::Status may = Authorize(caller, Right::kRead, request.name()); !may.ok()) return may;
  const absl::StatusOr<VariablePtr> variable = service.store.catalog.Find(request.name());
  if (!variable.ok()) return variable.status();
  absl::Status room = answer.Reserve(AnswerBytesOf(**variable));
  if (!room.ok()) return room;
  ToProto(**variable, answer->mutable_variable());
  VariablePages pages = VariablePages::OfSlots(service.store.catalog, request.name());
  for (;;) {
    const absl::StatusOr<std::vector<VariablePtr>> slots = pages.Next();
    if (!slots.ok()) return slots.status();
    if (slots->empty()) return absl::OkStatus();
    for (const VariablePtr& slot : *slots) {
      if (room = answer.Reserve(AnswerBytesOf(*slot)); !room.ok()) {
        return Prefixed(absl::StrCat("variable ", request.name(), " has more slots than are told ",
                                     "at once, a list of variables has them all: "),
                        room);
      }
      ToProto(*slot, answer->add_slots());
    }
  }
}

absl::Status ToAnswer(const absl::StatusOr<TakenSnapshot>& taken,
                      Answer<v1::TakeSnapshotResponse>& answer) {
  if (!taken.ok()) return taken.status();
  answer->set_path(Utf8(taken->path.string()));
  answer->set_name(taken->name);
  return absl::OkStatus();
}

absl::Status ListSnapshots(const ServiceContext& service, const Caller&,
                           const v1::ListSnapshotsRequest&,
                           Answer<v1::ListSnapshotsResponse>& answer) {
  const absl::StatusOr<std::vector<SnapshotInfo>> infos = service.durability.ListSnapshots();
  if (!infos.ok()) return infos.status();
  for (const SnapshotInfo& info : *infos) {
    if (absl::Status room = answer.Reserve(AnswerBytesOf(info)); !room.ok()) return room;
    ToProto(info, answer->add_snapshots());
  }
  return absl::OkStatus();
}

absl::Status Rollback(const ServiceContext& service, const Caller&,
                      const v1::RollbackRequest& request, Answer<v1::RollbackResponse>& answer) {
  const absl::StatusOr<uint64_t> step = service.durability.Rollback(request.name());
  if (!step.ok()) return step.status();
  answer->set_global_step(*step);
  return absl::OkStatus();
}

absl::Status ListGroups(const ServiceContext& service, const Caller&, const v1::ListGroupsRequest&,
                        Answer<v1::ListGroupsResponse>& answer) {
  for (const GroupStatus& group : service.synchronizer.status()) {
    if (absl::Status room = answer.Reserve(AnswerBytesOf(group)); !room.ok()) return room;
    ToProto(group, answer->add_groups());
  }
  return absl::OkStatus();
}

}  // namespace

void AdminService::Accept(CallQueue& queue) {
  const auto list = [&]<typename Request, typename Response>(
                        auto ask, absl::StatusOr<ListSource<Response>> (*begin)(
                                      const ServiceContext&, const Caller&, const Request&)) {
    Serve<ListCall<Request, Response>>(
        *this, ask, context_, queue,
        ListHandler<Request, Response>{
            [this, begin](const Caller& caller, const Request& request) {
              return begin(context_, caller, request);
            },
            [this](const Caller& caller) -> WorkSerializer& { return LooksOf(caller); }});
  };
  list(&AdminService::RequestListVariables, server::ListVariables);
  list(&AdminService::RequestListWorkers, server::ListWorkers);

  // Whose caller has gone, or whose server stops, does not begin.
  const auto leave = [](auto turns) {
    return [turns](const Caller& caller, const auto& request) { turns(caller).Leave(&request); };
  };
  const auto serve_in_turn = [&]<typename Request, typename Response>(
                                 auto turns, auto ask,
                                 absl::Status (*run)(const ServiceContext&, const Caller&,
                                                     const Request&, Answer<Response>&)) {
    Serve<UnaryCall<Request, Response>>(
        *this, ask, context_, queue,
        UnaryHandler<Request, Response>{
            [this, turns, run](const Caller& caller, const Request& request,
                               Answer<Response>& answer, CallDone done) {
              turns(caller).Run(
                  &request,
                  [this, run, &caller, &request, &answer] {
                    return run(context_, caller, request, answer);
                  },
                  std::move(done));
            },
            leave(turns)});
  };
  const auto looks = [this](const Caller& caller) -> WorkSerializer& { return LooksOf(caller); };
  const auto reads = [this](const Caller&) -> WorkSerializer& { return reads_; };
  const auto writes = [this](const Caller&) -> WorkSerializer& { return writes_; };
  serve_in_turn(looks, &AdminService::RequestDescribeVariable, server::DescribeVariable);
  serve_in_turn(looks, &AdminService::RequestListGroups, server::ListGroups);
  serve_in_turn(reads, &AdminService::RequestListSnapshots, server::ListSnapshots);
  serve_in_turn(writes, &AdminService::RequestRollback, server::Rollback);

  Serve<UnaryCall<v1::TakeSnapshotRequest, v1::TakeSnapshotResponse>>(
      *this, &AdminService::RequestTakeSnapshot, context_, queue,
      UnaryHandler<v1::TakeSnapshotRequest, v1::TakeSnapshotResponse>{
          [this](const Caller&, const v1::TakeSnapshotRequest& request,
                 Answer<v1::TakeSnapshotResponse>& answer, CallDone done) {
            writes_.Run(
                &request,
                [this, &request, &answer, asked = unnamed_.begun()] {
                  Durability& durability = context_.durability;
                  return ToAnswer(request.name().empty() ? unnamed_.Take(durability, asked)
                                                         : durability.TakeSnapshot(request.name()),
                                  answer);
                },
                std::move(done));
          },
          leave(writes)});

  Serve<UnaryCall<v1::QuarantineRequest, v1::QuarantineResponse>>(
      *this, &AdminService::RequestQuarantine, context_, queue,
      UnaryHandler<v1::QuarantineRequest, v1::QuarantineResponse>{
          [this](const Caller&, const v1::QuarantineRequest& request,
                 Answer<v1::QuarantineResponse>&, CallDone done) {
            AnswerDurably(
                context_.durability,
                [&] {
                  return context_.synchronizer.Quarantine(request.worker_id(), request.reason());
                },
                std::move(done));
          },
          {}});
}

void AdminService::Stop() {
  writes_.Stop();
  reads_.Stop();
}

}  // namespace varscope::server
