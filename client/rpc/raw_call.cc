#include "client/rpc/raw_call.h"

#include <algorithm>
#include <utility>

#include "proto/core/spin.h"

namespace varscope::internal {
namespace {

constexpr std::chrono::microseconds kSpin{100};

}  // namespace

RawCall::RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                 bool checksums)
    : checksums_(checksums), stub_(channel) {
  stream_ = stub_.PrepareCall(&context_, method, &queue_);
}

RawCall::~RawCall() {
  if (started_ && !finished_) {
    Cancel();
    Finish();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool RawCall::Wait() {
  void* tag = nullptr;
  bool ok = false;
  const auto arrived = [&] {
    return queue_.AsyncNext(&tag, &ok, Clock::time_point()) != grpc::CompletionQueue::TIMEOUT;
  };
  // Each look lets gRPC do what there is to do.
  if (Spin(std::chrono::steady_clock::now() + kSpin, /*looks=*/1, arrived)) return ok;
  if (queue_.AsyncNext(&tag, &ok, deadline_) != grpc::CompletionQueue::TIMEOUT) return ok;
  late_ = true;
  Cancel();
  return queue_.Next(&tag, &ok) && ok;
}

bool RawCall::Start() {
  if (std::exchange(started_, true)) return true;
  stream_->StartCall(this);
  return Wait();
}

bool RawCall::Write(const grpc::ByteBuffer& message) {
  if (!Start()) return false;
  stream_->Write(message, this);
  return Wait();
}

bool RawCall::WritesDone() {
  if (!Start()) return false;
  stream_->WritesDone(this);
  return Wait();
}

bool RawCall::Read(grpc::ByteBuffer* message) {
  stream_->Read(message, this);
  return Wait();
}

Outcome RawCall::Finish() {
  grpc::Status status;
  stream_->Finish(&status, this);
  Wait();
  finished_ = true;
  if (late_) status = {grpc::StatusCode::DEADLINE_EXCEEDED, "no answer within the deadline"};
  return OutcomeOf(status, context_);
}

}  // namespace varscope::internal
