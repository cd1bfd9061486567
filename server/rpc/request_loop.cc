#include "server/rpc/request_loop.h"

#include <algorithm>
#include <utility>

#include "proto/wire/frame.h"

namespace varscope::server {

RequestLoop::RequestLoop(const ServiceContext& service, Caller caller, size_t body_bytes,
                         std::function<void()> hang_up)
    : service_(service),
      caller_(std::move(caller)),
      body_bytes_(body_bytes),
      hang_up_(std::move(hang_up)) {}

RequestLoop::Next RequestLoop::Received(grpc::ByteBuffer& frame) {
  return answers_ ? ReceivedOfAnswer(frame) : ReceivedOfRequest(frame);
}

bool RequestLoop::ReceivingTakesLong(const grpc::ByteBuffer& frame) const {
  constexpr size_t kLargeHead = size_t{64} << 10;
  return !request_ && frame.Length() > kLargeHead;
}

RequestLoop::Next RequestLoop::ReceivedOfRequest(grpc::ByteBuffer& frame) {
  if (!request_) {
    // One that the last answer no longer needed.
    if (wire::DecodeAcknowledgement(frame)) return Next::kRead;
    request_.emplace(service_, caller_, state_, body_bytes_);
    StartIdleTimeout();
  }
  idle_timeout_->Progress(frame.Length());
  if (absl::Status status = request_->Add(frame); !status.ok()) return End(std::move(status));
  if (request_->complete()) {
    idle_timeout_.reset();
    return Next::kRun;
  }
  idle_timeout_->Expect(request_->bytes());
  const std::optional<uint64_t> due = request_->DueAcknowledgement();
  return due ? Write(wire::EncodeAcknowledgement(*due)) : Next::kRead;
}

RequestLoop::Next RequestLoop::ReceivedOfAnswer(grpc::ByteBuffer& frame) {
  const std::optional<uint64_t> received = wire::DecodeAcknowledgement(frame);
  if (!received) {
    return End(absl::InvalidArgumentError("a request begins before its worker has the answer"));
  }
  idle_timeout_->Progress(*received - std::min(*received, acknowledged_));
  acknowledged_ = std::max(*received, acknowledged_);
  request_->Acknowledged(*received);
  return WriteAnswer();
}

RequestLoop::Next RequestLoop::Ran() {
  answers_ = true;
  acknowledged_ = 0;
  request_->MakeAnswer();
  StartIdleTimeout();
  idle_timeout_->Expect(request_->answer_bytes());
  return WriteAnswer();
}

RequestLoop::Next RequestLoop::Write(const grpc::ByteBuffer& frame) {
  frame_ = frame;
  return Next::kWrite;
}

RequestLoop::Next RequestLoop::WriteAnswer() {
  if (request_->must_wait()) return Next::kRead;
  if (std::optional<grpc::ByteBuffer> next = request_->NextFrame()) return Write(*std::move(next));
  idle_timeout_.reset();
  request_.reset();
  answers_ = false;
  return Next::kRead;
}

RequestLoop::Next RequestLoop::Written() {
  idle_timeout_->Progress(frame_.Length());
  // An idle stream would keep the block that it sent last.
  frame_.Clear();
  return answers_ ? WriteAnswer() : Next::kRead;
}

RequestLoop::Next RequestLoop::Ended(const absl::Status& why) {
  if (answers_) return End(absl::CancelledError("the worker stopped reading"));
  if (!why.ok() || !request_) return End(why);
  return End(request_->CutShort());
}

RequestLoop::Next RequestLoop::End(absl::Status status) {
  idle_timeout_.reset();
  end_ = std::move(status);
  return Next::kEnd;
}

}  // namespace varscope::server
