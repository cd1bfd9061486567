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
  if (!ok) return End(turn_ ? turn_->CutShort() : absl::OkStatus());
  if (!turn_) {
    turn_.emplace(service_, last_pull_);
    Watch();
  }
  watch_->Progress();
  if (absl::Status status = turn_->Add(frame_); !status.ok()) return End(status);
  if (!turn_->whole()) return StartRead(&frame_);
  watch_.reset();
  // From here on this belongs to whoever ends the run.
  lock.unlock();
  turn_->Run([this](const absl::Status& status) { Ran(status); });
}

void ExchangeReactor::Ran(const absl::Status& status) {
  std::lock_guard lock(mutex_);
  if (!status.ok()) return End(status);
  Watch();
  WriteNext();
}

void ExchangeReactor::WriteNext() {
  if (std::optional<grpc::ByteBuffer> next = turn_->NextFrame()) {
    frame_ = *std::move(next);
    return StartWrite(&frame_);
  }
  watch_.reset();
  turn_.reset();
  StartRead(&frame_);
}

void ExchangeReactor::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  watch_->Progress();
  // An idle stream would keep the block that it sent last.
  frame_.Clear();
  if (ok) return WriteNext();
  End(absl::CancelledError("the worker stopped reading"));
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
