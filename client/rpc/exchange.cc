#include "client/rpc/exchange.h"

namespace varscope::internal {
namespace {

// Of an answer that makes no sense.
Outcome NotUnderstood(const absl::Status& status) {
  return {{static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())},
          std::nullopt,
          std::nullopt};
}

}  // namespace

Exchange::Opened Exchange::Take() {
  std::unique_lock lock(mutex_);
  if (idle_.empty()) {
    const uint64_t age = age_;
    lock.unlock();
    return {open_(), age};
  }
  std::unique_ptr<Stream> stream = std::move(idle_.back());
  idle_.pop_back();
  return {std::move(stream), age_};
}

void Exchange::Keep(Opened opened) {
  std::lock_guard lock(mutex_);
  if (opened.age == age_) idle_.push_back(std::move(opened.stream));
}

void Exchange::Renew() {
  std::vector<std::unique_ptr<Stream>> old;
  std::lock_guard lock(mutex_);
  old.swap(idle_);
  ++age_;
}

Outcome Exchange::Fail(Stream& stream) {
  // What ended this one has perhaps ended all.
  Renew();
  Outcome outcome = stream.Finish();
  if (outcome.status.ok()) {
    // Within a turn that is no end.
    outcome.status = {grpc::StatusCode::UNAVAILABLE, "the daemon ended the stream"};
  }
  return outcome;
}

Outcome Exchange::Turn(const v1::FrameHeader& head, const std::vector<Tensor>& tensors,
                       Clock::time_point deadline, wire::FrameReader& answer) {
  Opened opened = Take();
  Stream* const stream = opened.stream.get();
  stream->SetDeadline(deadline);
  wire::FrameWriter request(head, tensors, stream->frame_body_bytes());
  while (std::optional<grpc::ByteBuffer> frame = request.Next()) {
    if (!stream->Write(*frame)) return Fail(*stream);
  }
  while (!answer.complete()) {
    grpc::ByteBuffer frame;
    if (!stream->Read(&frame)) return Fail(*stream);
    if (absl::Status status = answer.Add(frame); !status.ok()) return NotUnderstood(status);
  }
  Keep(std::move(opened));
  return {};
}

}  // namespace varscope::internal
