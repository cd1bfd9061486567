#include "server/rpc/barrier_call.h"

#include <chrono>

#include "absl/status/statusor.h"
#include "proto/naming/names.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/refusal.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

absl::Status Check(const v1::BarrierRequest& request) {
  constexpr uint64_t kLongest = uint64_t{24} * 3600 * 1000;
  if (absl::Status status = ValidateVariableName(request.name()); !status.ok()) return status;
  if (request.timeout_ms() > kLongest) {
    return absl::InvalidArgumentError("a barrier's timeout is at most 24 hours");
  }
  return absl::OkStatus();
}

}  // namespace

void BarrierCall::Accept(const ServiceContext& service, CallQueue& queue, const Request& request) {
  const auto next = std::make_shared<BarrierCall>(service, queue);
  void* const ended = CallQueue::Tag([call = std::weak_ptr<BarrierCall>(next)](bool) {
    if (const std::shared_ptr<BarrierCall> waiting = call.lock()) waiting->Ended();
  });
  next->context_.AsyncNotifyWhenDone(ended);
  request(&next->context_, &next->request_, &next->writer_,
          CallQueue::Tag([&service, &queue, request, next, ended](bool ok) {
            if (!ok) return CallQueue::Drop(ended);
            Accept(service, queue, request);
            next->Arrive();
          }));
}

BarrierCall::BarrierCall(const ServiceContext& service, CallQueue& queue)
    : service_(service), hold_(queue), writer_(&context_) {}

void BarrierCall::Arrive() {
  call_.emplace(service_.in_flight_calls);
  if (!call_->admitted().ok()) return Finish(call_->admitted());
  absl::StatusOr<Caller> caller = CallerOf<v1::BarrierRequest>(service_, context_);
  if (!caller.ok()) return Finish(caller.status());
  caller_ = *std::move(caller);
  absl::Status status = Check(request_);
  if (status.ok()) status = service_.workers.Check(caller_);
  if (!status.ok()) return Finish(status);
  service_.barriers.Arrive(
      request_.name(), caller_.worker_id, request_.parties(),
      std::chrono::milliseconds(request_.timeout_ms()),
      [self = shared_from_this()](const absl::StatusOr<uint64_t>& round) { self->Finish(round); });
  arrived_ = true;
  // It may have left before it had arrived.
  if (cancelled_ && !released_) service_.barriers.Leave(request_.name(), caller_.worker_id);
}

void BarrierCall::Ended() {
  // Once it is released, whoever waits under the worker's name is another call.
  if (released_ || !context_.IsCancelled()) return;
  cancelled_ = true;
  if (arrived_) service_.barriers.Leave(request_.name(), caller_.worker_id);
}

void BarrierCall::Finish(const absl::StatusOr<uint64_t>& round) {
  released_ = true;
  v1::BarrierResponse response;
  if (round.ok()) response.set_round(*round);
  const absl::Status status = WhatNow(service_.workers, caller_, round.status());
  writer_.Finish(response, ToGrpc(status, context_),
                 CallQueue::Tag([self = shared_from_this()](bool) {}));
}

}  // namespace varscope::server
