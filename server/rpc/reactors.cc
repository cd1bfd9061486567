#include "server/rpc/reactors.h"

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "proto/core/names.h"
#include "proto/wire/convert.h"
#include "server/codec/push.h"
#include "server/rpc/convert.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

template <typename Message>
bool Parse(const grpc::ByteBuffer& buffer, Message* message) {
  grpc::ByteBuffer copy(buffer);
  return grpc::SerializationTraits<Message>::Deserialize(&copy, message).ok();
}

template <typename Message>
grpc::ByteBuffer Serialize(const Message& message) {
  grpc::ByteBuffer buffer;
  bool own = false;
  grpc::SerializationTraits<Message>::Serialize(message, &buffer, &own);
  return buffer;
}

}  // namespace

PullReactor::PullReactor(const ServiceContext& service, const grpc::ByteBuffer& request,
                         grpc::CallbackServerContext* context)
    : OwnedReactor(service.calls), service_(service), context_(context) {
  {
    std::lock_guard lock(mutex_);
    if (absl::Status status = Admit(request); !status.ok()) {
      Finish(ToGrpc(status, *context_));
      return;
    }
    for (const v1::PullRequest::Want& want : request_.wants()) names_.push_back(want.name());
  }
  const std::string reader = request_.incarnation() == 0 ? "" : request_.worker_id();
  service_.synchronizer.AwaitRead(reader, names_,
                                  [this](const absl::Status& may_read) { Begin(may_read); });
}

absl::Status PullReactor::Admit(const grpc::ByteBuffer& request) {
  if (!admitted().ok()) return admitted();
  if (!Parse(request, &request_)) {
    return absl::InvalidArgumentError("the pull request does not parse");
  }
  if (request_.incarnation() == 0) return absl::OkStatus();
  return service_.workers.Check(request_.worker_id(), request_.incarnation()).status();
}

void PullReactor::Begin(const absl::Status& may_read) {
  std::lock_guard lock(mutex_);
  absl::Status status =
      WhatNow(service_.workers, request_.worker_id(), request_.incarnation(), may_read);
  absl::StatusOr<std::vector<PulledVariable>> pulled = std::vector<PulledVariable>();
  if (status.ok()) {
    pulled = service_.store.Pull(names_);
    status = pulled.status();
  }
  if (!status.ok()) {
    const std::string who = absl::StrCat("worker '", Printable(request_.worker_id()), "': ");
    Finish(ToGrpc(Prefixed(who, status), *context_));
    return;
  }
  v1::FrameHeader head;
  std::vector<Tensor> tensors;
  head.set_global_step(service_.store.global_step());
  head.set_epoch(service_.epoch);
  for (size_t i = 0; i < pulled->size(); ++i) {
    PulledVariable& p = (*pulled)[i];
    const v1::PullRequest::Want& want = request_.wants(static_cast<int>(i));
    v1::TensorSpec* const spec = head.add_tensors();
    spec->set_name(p.variable->def.name);
    spec->set_dtype(wire::ToProto(p.variable->def.dtype));
    wire::ToProto(p.variable->def.shape, spec->mutable_shape());
    spec->set_version(p.version);
    spec->set_unchanged(request_.epoch() == service_.epoch && want.has_version() &&
                        want.version() == p.version);
    if (!spec->unchanged()) p.variable->bytes_pulled += p.value.byte_size();
    tensors.push_back(spec->unchanged() ? Tensor() : std::move(p.value));
  }
  pulled->clear();
  absl::StatusOr<Pins::Pin> pin = service_.pins.Take(tensors);
  if (!pin.ok()) {
    Finish(ToGrpc(pin.status(), *context_));
    return;
  }
  pin_ = *std::move(pin);
  frames_.emplace(std::move(head), std::move(tensors));
  watch_.emplace(service_.stalls, [context = context_] { context->TryCancel(); });
  WriteNext();
}

void PullReactor::WriteNext() {
  std::optional<grpc::ByteBuffer> next = frames_->Next();
  if (!next) {
    Finish(grpc::Status::OK);
    return;
  }
  frame_ = *std::move(next);
  StartWrite(&frame_);
}

void PullReactor::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  watch_->Progress();
  if (ok) return WriteNext();
  Finish({grpc::StatusCode::CANCELLED, "the worker stopped reading"});
}

PushReactor::PushReactor(const ServiceContext& service, grpc::CallbackServerContext* context,
                         grpc::ByteBuffer* response)
    : OwnedReactor(service.calls),
      service_(service),
      context_(context),
      response_(response),
      reader_([this](const v1::FrameHeader& head) { return CheckHead(head); }) {
  std::lock_guard lock(mutex_);
  if (admitted().ok()) {
    watch_.emplace(service_.stalls, [context = context_] { context->TryCancel(); });
    StartRead(&frame_);
    return;
  }
  finished_ = true;
  Finish(ToGrpc(admitted()));
}

absl::Status PushReactor::CheckWorker(const v1::PushHead& push) {
  const absl::StatusOr<Asker> asker = service_.workers.Check(push.worker_id(), push.incarnation());
  if (asker.ok()) return absl::OkStatus();
  // A push that was let in before its incarnation ended still gets its answer.
  const PushId id{push.worker_id(), push.incarnation(), push.sequence()};
  return service_.store.ledger().Knows(id) ? absl::OkStatus() : asker.status();
}

absl::Status PushReactor::CheckHead(const v1::FrameHeader& head) {
  if (!head.has_push()) return absl::InvalidArgumentError("the first frame has no push head");
  const v1::PushHead& push = head.push();
  if (absl::Status status = CheckWorker(push); !status.ok()) return status;
  if (absl::Status status = AdmitChange(service_.durability); !status.ok()) {
    return Prefixed(
        absl::StrCat("worker '", push.worker_id(), "': no push is taken now, pulls go on: "),
        status);
  }
  const absl::StatusOr<uint64_t> bytes =
      CheckPushHead(service_.store, head, service_.limits.max_push_bytes);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<Budget::Charge> charge = service_.budget.Take(push.worker_id(), *bytes);
  if (!charge.ok()) return charge.status();
  charge_ = *std::move(charge);
  return absl::OkStatus();
}

absl::StatusOr<Push> PushReactor::TakePush() {
  if (absl::Status status = reader_.Finish(); !status.ok()) return status;
  const v1::PushHead& head = reader_.head().push();
  absl::StatusOr<Push> push =
      codec::FromProto(head, reader_.tensors(), service_.workers.Describe(head.worker_id()));
  reader_.tensors().clear();
  return push;
}

void PushReactor::OnReadDone(bool ok) {
  std::unique_lock lock(mutex_);
  if (finished_) return;
  absl::Status status = ok ? reader_.Add(frame_) : absl::OkStatus();
  frame_.Clear();
  if (ok && status.ok()) {
    watch_->Progress();
    StartRead(&frame_);
    return;
  }
  finished_ = true;
  watch_.reset();
  absl::StatusOr<Push> push = status.ok() ? TakePush() : status;
  // From here on this belongs to whoever answers.
  lock.unlock();
  if (!push.ok()) return Answer(push.status());
  service_.synchronizer.Submit(
      *std::move(push),
      [this](const absl::StatusOr<server::Applied>& applied) { Applied(applied); });
}

void PushReactor::Applied(const absl::StatusOr<server::Applied>& applied) {
  if (!applied.ok()) {
    const v1::PushHead& head = reader_.head().push();
    return Answer(
        WhatNow(service_.workers, head.worker_id(), head.incarnation(), applied.status()));
  }
  v1::PushResponse response;
  codec::ToProto(*applied, &response);
  response.set_durability(static_cast<v1::Durability>(service_.durability.level()));
  *response_ = Serialize(response);
  service_.durability.AfterAllSoFar([this](const absl::Status& durable) { Answer(durable); });
}

void PushReactor::Answer(const absl::Status& status) {
  if (!status.ok()) spdlog::warn("push refused: {}", std::string(status.message()));
  charge_.Release();
  Finish(ToGrpc(status, *context_));
}

}  // namespace varscope::server
