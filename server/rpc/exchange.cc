#include "server/rpc/exchange.h"

#include <utility>

#include "absl/status/status.h"
#include "proto/core/blocking.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/status.h"

namespace varscope::server {

void Exchange::Accept(const ServiceContext& service, CallQueue& queue, const Request& request) {
  const auto next = std::make_shared<Exchange>(service, queue);
  request(&next->context_, &next->stream_,
          CallQueue::Tag([&service, &queue, request, next](bool ok) {
            if (!ok) return;
            Accept(service, queue, request);
            MutexLock lock(next->mutex_);
            next->Begin();
          }));
}

Exchange::Exchange(const ServiceContext& service, CallQueue& queue)
    : service_(service), hold_(queue), stream_(&context_) {}

void* Exchange::Then(void (Exchange::*next)(bool ok)) {
  return CallQueue::Tag([self = shared_from_this(), next](bool ok) { ((*self).*next)(ok); });
}

void Exchange::Begin() {
  absl::StatusOr<Caller> caller = CallerOf<v1::TensorFrame>(service_, context_);
  if (!caller.ok()) return End(caller.status());
  caller_ = *std::move(caller);
  Read();
}

void Exchange::Read() { stream_.Read(&frame_, Then(&Exchange::OnRead)); }

void Exchange::Write(grpc::ByteBuffer frame) {
  frame_ = std::move(frame);
  stream_.Write(frame_, Then(&Exchange::OnWritten));
}

void Exchange::Watch() {
  watch_.emplace(service_.stalls, [this] { context_.TryCancel(); });
}

void Exchange::OnRead(bool ok) {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kAnswer) return ReadAcknowledgement(ok);
  if (!ReadRequest(ok)) return;
  std::optional<Blocking> aside;
  if (turn_->takes_long()) aside.emplace();
  // From here on this belongs to whoever ends the run.
  lock.unlock();
  turn_->Run([self = shared_from_this()] { self->Ran(); });
}

bool Exchange::ReadRequest(bool ok) {
  if (!ok) {
    End(turn_ ? turn_->CutShort() : absl::OkStatus());
    return false;
  }
  if (!turn_) {
    // One that the last answer no longer needed.
    if (wire::DecodeAcknowledgement(frame_)) {
      Read();
      return false;
    }
    turn_.emplace(service_, caller_, state_);
    Watch();
  }
  watch_->Progress();
  if (absl::Status status = turn_->Add(frame_); !status.ok()) {
    End(status);
  } else if (turn_->whole()) {
    watch_.reset();
    return true;
  } else if (const std::optional<uint64_t> due = turn_->DueAcknowledgement()) {
    Write(wire::EncodeAcknowledgement(*due));
  } else {
    Read();
  }
  return false;
}

void Exchange::ReadAcknowledgement(bool ok) {
  if (!ok) return End(absl::CancelledError("the worker stopped reading"));
  watch_->Progress();
  const std::optional<uint64_t> received = wire::DecodeAcknowledgement(frame_);
  if (!received) {
    return End(absl::InvalidArgumentError("a request begins before its worker has the answer"));
  }
  turn_->Acknowledged(*received);
  WriteNext();
}

void Exchange::Ran() {
  MutexLock lock(mutex_);
  phase_ = Phase::kAnswer;
  Watch();
  WriteNext();
}

void Exchange::WriteNext() {
  if (turn_->must_wait()) return Read();
  if (std::optional<grpc::ByteBuffer> next = turn_->NextFrame()) return Write(*std::move(next));
  watch_.reset();
  turn_.reset();
  phase_ = Phase::kRequest;
  Read();
}

void Exchange::OnWritten(bool ok) {
  MutexLock lock(mutex_);
  watch_->Progress();
  // An idle stream would keep the block that it sent last.
  frame_.Clear();
  if (!ok) return End(absl::CancelledError("the worker stopped reading"));
  if (phase_ == Phase::kRequest) return Read();
  WriteNext();
}

void Exchange::End(const absl::Status& status) {
  watch_.reset();
  stream_.Finish(ToGrpc(status, context_), Then(&Exchange::OnFinished));
}

void Exchange::OnFinished(bool) { MutexLock lock(mutex_); }

}  // namespace varscope::server
