#include "server/rpc/exchange.h"

#include "server/rpc/status.h"

namespace varscope::server {

ExchangeReactor::ExchangeReactor(const ServiceContext& service,
                                 grpc::CallbackServerContext* context)
    : service_(service), context_(context) {
  std::lock_guard lock(mutex_);
  StartRead(&frame_);
}

void ExchangeReactor::Watch() {
  watch_.emplace(service_.stalls, [context = context_] { context->TryCancel(); });
}

void ExchangeReactor::OnReadDone(bool ok) {
  std::unique_lock lock(mutex_);
  if (phase_ == Phase::kAnswer) return ReadAcknowledgement(ok);
  if (!ReadRequest(ok)) return;
  // From here on this belongs to whoever ends the run.
  lock.unlock();
  turn_->Run([this](const absl::Status& status) { Ran(status); });
}

bool ExchangeReactor::ReadRequest(bool ok) {
  if (!ok) {
    End(turn_ ? turn_->CutShort() : absl::OkStatus());
    return false;
  }
  if (!turn_) {
    // One that the last answer no longer needed.
    if (wire::DecodeAcknowledgement(frame_)) {
      StartRead(&frame_);
      return false;
    }
    turn_.emplace(service_, last_pull_);
    Watch();
  }
  watch_->Progress();
  if (absl::Status status = turn_->Add(frame_); !status.ok()) {
    End(status);
  } else if (turn_->whole()) {
    watch_.reset();
    return true;
  } else if (const std::optional<uint64_t> due = turn_->DueAcknowledgement()) {
    frame_ = wire::EncodeAcknowledgement(*due);
    StartWrite(&frame_);
  } else {
    StartRead(&frame_);
  }
  return false;
}

void ExchangeReactor::ReadAcknowledgement(bool ok) {
  if (!ok) return End(absl::CancelledError("the worker stopped reading"));
  watch_->Progress();
  const std::optional<uint64_t> received = wire::DecodeAcknowledgement(frame_);
  if (!received) {
    return End(absl::InvalidArgumentError("a request begins before its worker has the answer"));
  }
  turn_->Acknowledged(*received);
  WriteNext();
}

void ExchangeReactor::Ran(const absl::Status& status) {
  std::lock_guard lock(mutex_);
  if (!status.ok()) return End(status);
  phase_ = Phase::kAnswer;
  Watch();
  WriteNext();
}

void ExchangeReactor::WriteNext() {
  if (turn_->must_wait()) return StartRead(&frame_);
  if (std::optional<grpc::ByteBuffer> next = turn_->NextFrame()) {
    frame_ = *std::move(next);
    return StartWrite(&frame_);
  }
  watch_.reset();
  turn_.reset();
  phase_ = Phase::kRequest;
  StartRead(&frame_);
}

void ExchangeReactor::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  watch_->Progress();
  // An idle stream would keep the block that it sent last.
  frame_.Clear();
  if (!ok) return End(absl::CancelledError("the worker stopped reading"));
  if (phase_ == Phase::kRequest) return StartRead(&frame_);
  WriteNext();
}

void ExchangeReactor::End(const absl::Status& status) {
  watch_.reset();
  Finish(ToGrpc(status, *context_));
}

void ExchangeReactor::OnDone() {
  { std::lock_guard lock(mutex_); }
  delete this;
}

}  // namespace varscope::server
