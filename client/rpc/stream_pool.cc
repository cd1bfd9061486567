#include "client/rpc/stream_pool.h"

#include "absl/status/status.h"

namespace varscope::internal {
namespace {

// Of an answer that makes no sense, or was damaged.
Outcome NotUnderstood(const absl::Status& status) {
  return OutcomeOf(
      {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())},
      [&](const char* key) -> std::optional<std::string> {
        const auto retry_info = status.GetPayload(key);
        return retry_info ? std::optional(std::string(*retry_info)) : std::nullopt;
      });
}

}  // namespace

StreamPool::PooledStream StreamPool::Take(const WorkerSession& session) {
  std::vector<PooledStream> others;
  MutexLock lock(mutex_);
  while (!idle_.empty()) {
    PooledStream pooled = std::move(idle_.back());
    idle_.pop_back();
    if (pooled.incarnation == session.incarnation) return pooled;
    others.push_back(std::move(pooled));
  }
  const uint64_t age = age_;
  lock.unlock();
  return {.stream = open_(session), .age = age, .incarnation = session.incarnation};
}

void StreamPool::Keep(PooledStream pooled) {
  MutexLock lock(mutex_);
  if (pooled.age == age_ && !pooled.variables.full()) idle_.push_back(std::move(pooled));
}

void StreamPool::Renew() {
  std::vector<PooledStream> old;
  MutexLock lock(mutex_);
  old.swap(idle_);
  ++age_;
}

Outcome StreamPool::Fail(Stream& stream) {
  // What ended this one has perhaps ended all.
  Renew();
  Outcome outcome = stream.Finish();
  if (outcome.status.ok()) {
    // Within a request that is no end.
    outcome.status = {grpc::StatusCode::UNAVAILABLE, "the server ended the stream"};
  }
  return outcome;
}

Outcome StreamPool::Ask(PooledStream& pooled, const v1::FrameHeader& head,
                        const std::vector<Tensor>& tensors, Clock::time_point deadline,
                        wire::FrameReader& answer) {
  Stream& stream = *pooled.stream;
  stream.SetDeadline(deadline);
  wire::FrameWriter request(head, tensors, stream.frames());
  grpc::ByteBuffer frame;
  while (std::optional<grpc::ByteBuffer> next = request.Next()) {
    if (!stream.Write(*next)) return Fail(stream);
    while (request.must_wait()) {
      if (!stream.Read(&frame)) return Fail(stream);
      const std::optional<uint64_t> received = wire::DecodeAcknowledgement(frame);
      if (!received) return NotUnderstood(absl::InternalError("an answer before the request"));
      request.Acknowledged(*received);
    }
  }
  Outcome outcome;
  while (outcome.status.ok() && !answer.has_head()) outcome = ReadFrame(stream, answer);
  if (!outcome.status.ok() || !answer.head().has_error()) return outcome;
  return Refused(std::move(pooled), answer.head().error());
}

Outcome StreamPool::Refused(PooledStream pooled, const v1::Error& error) {
  pooled.variables = {};
  pooled.last_pull = {};
  Keep(std::move(pooled));
  return OutcomeOf(error);
}

Outcome StreamPool::ReadRest(PooledStream& pooled, wire::FrameReader& answer) {
  Outcome outcome;
  while (outcome.status.ok() && !answer.complete()) outcome = ReadFrame(*pooled.stream, answer);
  return outcome;
}

Outcome StreamPool::ReadFrame(Stream& stream, wire::FrameReader& answer) {
  grpc::ByteBuffer frame;
  if (!stream.Read(&frame)) return Fail(stream);
  if (wire::DecodeAcknowledgement(frame)) return {};
  if (absl::Status status = answer.Add(frame); !status.ok()) return NotUnderstood(status);
  if (!stream.frames().flow_control) return {};
  const std::optional<uint64_t> due = answer.DueAcknowledgement();
  if (due && !stream.Write(wire::EncodeAcknowledgement(*due))) return Fail(stream);
  return {};
}

}  // namespace varscope::internal
