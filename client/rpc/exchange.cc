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

std::unique_ptr<Stream> Exchange::Take() {
  std::unique_lock lock(mutex_);
  if (idle_.empty()) {
    lock.unlock();
    return open_();
  }
  std::unique_ptr<Stream> stream = std::move(idle_.back());
  idle_.pop_back();
  return stream;
}

void Exchange::Keep(std::unique_ptr<Stream> stream) {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(stream));
}

Outcome Exchange::Fail(Stream& stream) {
  {
    // What ended this one has perhaps ended all.
    std::lock_guard lock(mutex_);
    idle_.clear();
  }
  Outcome outcome = stream.Finish();
  if (outcome.status.ok()) {
    // Within a turn that is no end.
    outcome.status = {grpc::StatusCode::UNAVAILABLE, "the daemon ended the stream"};
  }
  return outcome;
}

Outcome Exchange::Turn(const v1::FrameHeader& head, const std::vector<Tensor>& tensors,
                       Clock::time_point deadline, wire::FrameReader& answer) {
  std::unique_ptr<Stream> stream = Take();
  stream->SetDeadline(deadline);
  wire::FrameWriter request(head, tensors);
  while (std::optional<grpc::ByteBuffer> frame = request.Next()) {
    if (!stream->Write(*frame)) return Fail(*stream);
  }
  while (!answer.complete()) {
    grpc::ByteBuffer frame;
    if (!stream->Read(&frame)) return Fail(*stream);
    if (absl::Status status = answer.Add(frame); !status.ok()) return NotUnderstood(status);
  }
  Keep(std::move(stream));
  return {};
}

}  // namespace varscope::internal
