#include "server/rpc/worker_calls.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/wire/convert.h"
#include "proto/wire/protocol.h"
#include "server/push/resolve.h"
#include "server/rpc/convert.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

// A Resolve that is under way.
struct Resolving {
  const ServiceContext& service;
  const Caller caller;
  const Creator worker;  // the caller
  const v1::ResolveRequest& request;
  Answer<v1::ResolveResponse>& answer;
  CallDone done;
  int next = 0;  // of the definitions: there is one
};

// Of one definition: the call's number, and which one of its definitions it is.
constexpr int kDefinitionBits = 20;
constexpr uint64_t kLastResolve = UINT64_MAX >> kDefinitionBits;

absl::StatusOr<Resolution> ResolveOne(const Resolving& call) {
  const v1::VariableDefinition& definition = call.request.definitions(call.next);
  absl::StatusOr<ResolveRequest> asked = FromProto(definition);
  if (!asked.ok()) return asked.status();
  const uint64_t sequence = call.request.sequence();
  asked->number = sequence == 0 ? 0 : (sequence << kDefinitionBits) + call.next;
  // The creator is the caller; the program says where.
  asked->creator = CreatorAt(definition.creator(), call.worker);
  const absl::StatusOr<ChangesLock> changes = call.service.store.changes.Lock();
  if (!changes.ok()) return changes.status();
  // Its incarnation may have ended since the call came, with a rollback.
  if (absl::Status status = call.service.workers.Check(call.caller); !status.ok()) return status;
  return call.service.store.catalog.Resolve(call.caller, *asked);
}

// Makes the next definition. It is counted last, when nothing of it can fail any more.
std::optional<absl::Status> ResolveNext(Resolving& call) {
  const absl::StatusOr<Resolution> resolution = ResolveOne(call);
  if (!resolution.ok()) return resolution.status();
  absl::Status room = call.answer.Reserve(AnswerBytesOf(*resolution));
  if (!room.ok()) return room;
  ToProto(*resolution, call.answer->add_resolutions());
  if (call.next + 1 == call.request.definitions_size()) return absl::OkStatus();
  ++call.next;
  return std::nullopt;
}

// After the last turn of its definitions.
void EndResolve(Resolving& call, const absl::Status& end) {
  if (end.ok()) return call.service.durability.WhenOnStableStorage(std::move(call.done));
  const v1::VariableDefinition& definition = call.request.definitions(call.next);
  const std::string& name = definition.key().empty() ? definition.name() : definition.key();
  call.done(Prefixed(
      absl::StrCat("worker '", call.caller.worker_id, "', variable '", Printable(name), "': "),
      end));
}

void ToProto(const LocalAddress& address, v1::LocalAddress* out) {
  out->set_shared_memory(address.shared_memory);
  out->set_target(address.target);
}

absl::Status ConnectNow(const ServiceContext& service, const std::string& peer,
                        const v1::ConnectRequest& request, v1::ConnectResponse* response) {
  response->set_protocol(wire::kProtocol);
  if (request.protocol() != wire::kProtocol) {
    return absl::FailedPreconditionError(absl::StrCat(
        "worker '", Printable(request.worker_id()), "' speaks protocol ",
        std::max(1U, request.protocol()), ", this server (varscoped ", VARSCOPE_VERSION,
        ") speaks protocol ", wire::kProtocol, "; use the same version of varscope for both"));
  }
  if (!v1::SharingMode_IsValid(request.sharing())) {
    return absl::InvalidArgumentError(absl::StrCat("worker '", Printable(request.worker_id()),
                                                   "': there is no sharing mode ",
                                                   static_cast<int>(request.sharing())));
  }
  const Sharing sharing =
      request.sharing() == v1::SHARING_REPLICATED ? Sharing::kReplicated : Sharing::kGlobal;
  const absl::StatusOr<uint64_t> incarnation = service.workers.Connect(
      request.worker_id(), request.host(), request.pid(), sharing, request.nonce(), peer);
  if (!incarnation.ok()) return incarnation.status();
  response->set_incarnation(*incarnation);
  response->set_store(service.session_keys.store());
  response->set_session_key(
      service.session_keys.Make({request.worker_id(), *incarnation, sharing, request.nonce()}));
  response->set_global_step(service.store.changes.global_step());
  response->set_max_variable_bytes(service.store.catalog.limits().max_variable_bytes);
  response->set_lease_ms(service.workers.lease().count());
  for (const GroupStatus& group : service.synchronizer.status()) {
    ToProto(group, response->add_groups());
  }
  response->set_groups_version(service.synchronizer.groups_version());
  ToProto(service.local, response->mutable_local());
  for (const v1::Encoding encoding :
       {v1::ENCODING_FLOAT16, v1::ENCODING_BFLOAT16, v1::ENCODING_INT8}) {
    response->add_encodings(encoding);
  }
  return absl::OkStatus();
}

absl::Status CheckResolve(const ServiceContext& service, const Caller& caller,
                          const v1::ResolveRequest& request) {
  if (absl::Status status = AdmitChange(service.durability); !status.ok()) return status;
  if (absl::Status status = service.workers.Check(caller); !status.ok()) return status;
  if (request.definitions_size() > service.limits.max_definitions) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", service.limits.max_definitions, " definitions a call"));
  }
  if (request.sequence() <= kLastResolve) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Who(caller), "a Resolve has number ", request.sequence(),
                   "; they count from 1, and the last is ", kLastResolve));
}

absl::Status CheckBarrier(const Caller& caller, const v1::BarrierRequest& request) {
  constexpr uint64_t kLongest = uint64_t{24} * 3600 * 1000;
  if (absl::Status status = ValidateVariableName(request.name()); !status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Who(caller), "barriers are named as variables are: ", status.message()));
  }
  if (request.timeout_ms() <= kLongest) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(Who(caller), "barrier '", request.name(),
                                                 "': a timeout is at most 24 hours, not ",
                                                 request.timeout_ms(), " ms"));
}

}  // namespace

void Connect(const ServiceContext& service, const Caller& caller, const v1::ConnectRequest& request,
             Answer<v1::ConnectResponse>& answer, CallDone done) {
  v1::ConnectResponse* const response = &*answer;
  // Until it is answered, which may take as long as the disk likes, the worker cannot be heard of.
  // Where nobody is left to answer it, its lease runs.
  const auto lease = std::make_shared<Workers::HeldLease>();
  const auto connect = [&] {
    absl::Status status = ConnectNow(service, caller.peer, request, response);
    if (status.ok()) {
      *lease = service.workers.HoldLease(request.worker_id(), response->incarnation());
    }
    return status;
  };
  AnswerDurably(service.durability, connect,
                [lease, done = std::move(done)](const absl::Status& status) mutable {
                  lease->Start();
                  done(status);
                });
}

void Resolve(const ServiceContext& service, const Caller& caller, const v1::ResolveRequest& request,
             Answer<v1::ResolveResponse>& answer, CallDone done) {
  if (absl::Status status = CheckResolve(service, caller, request); !status.ok()) {
    return done(status);
  }
  if (request.definitions().empty()) {
    return service.durability.WhenOnStableStorage(std::move(done));
  }
  const auto call = std::make_shared<Resolving>(
      Resolving{service, caller, service.workers.Describe(caller.worker_id), request, answer,
                std::move(done)});
  service.definition_lanes.Of(caller.worker_id)
      .Run(
          &request, [call] { return ResolveNext(*call); },
          [call](const absl::Status& end) { EndResolve(*call, end); });
}

void LeaveResolve(const ServiceContext& service, const Caller& caller,
                  const v1::ResolveRequest& request) {
  service.definition_lanes.Of(caller.worker_id).Leave(&request);
}

void Heartbeat(const ServiceContext& service, const Caller& caller, const v1::HeartbeatRequest&,
               Answer<v1::HeartbeatResponse>& answer, CallDone done) {
  // Another one after a restart, which the worker may not notice otherwise.
  ToProto(service.local, answer->mutable_local());
  done(service.workers.Check(caller));
}

void Barrier(const ServiceContext& service, const Caller& caller, const v1::BarrierRequest& request,
             Answer<v1::BarrierResponse>& answer, CallDone done) {
  absl::Status status = CheckBarrier(caller, request);
  if (status.ok()) status = service.workers.Check(caller);
  if (!status.ok()) return done(status);
  service.barriers.Arrive(request.name(),
                          {.worker_id = caller.worker_id,
                           .incarnation = caller.incarnation,
                           .sequence = request.sequence(),
                           .again = request.again(),
                           .passed = request.passed(),
                           .parties = request.parties(),
                           .timeout = std::chrono::milliseconds(request.timeout_ms()),
                           .call = &request},
                          [&service, caller, &answer,
                           done = std::move(done)](const absl::StatusOr<uint64_t>& round) mutable {
                            if (round.ok()) answer->set_round(*round);
                            done(WhatNow(service.workers, caller, round.status()));
                          });
}

void LeaveBarrier(const ServiceContext& service, const Caller& caller,
                  const v1::BarrierRequest& request) {
  service.barriers.Leave(request.name(), caller.worker_id, &request);
}

void Disconnect(const ServiceContext& service, const Caller& caller, const v1::DisconnectRequest&,
                Answer<v1::DisconnectResponse>&, CallDone done) {
  const absl::Status status = service.workers.Disconnect(caller);
  if (!status.ok()) return done(status);
  service.durability.WhenOnStableStorage(std::move(done));
}

}  // namespace varscope::server
