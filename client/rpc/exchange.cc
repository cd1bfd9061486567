#include "client/rpc/exchange.h"

#include "absl/status/status.h"

namespace varscope::internal {
namespace {

// Of an answer that makes no sense, or was damaged.
Outcome NotUnderstood(const absl::Status& status) {
  return OutcomeOf(
      {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())},
      [&](const char* key) -> std::optional<std::string> {
        const auto advice = status.GetPayload(key);
        return advice ? std::optional(std::string(*advice)) : std::nullopt;
      });
}

}  // namespace

Exchange::Line Exchange::Take(const WorkerSession& session) {
  std::vector<Line> others;
  MutexLock lock(mutex_);
  while (!idle_.empty()) {
    Line line = std::move(idle_.back());
    idle_.pop_back();
    if (line.incarnation == session.incarnation) return line;
    others.push_back(std::move(line));
  }
  const uint64_t age = age_;
  lock.unlock();
  return {.stream = open_(session), .age = age, .incarnation = session.incarnation};
}

void Exchange::Keep(Line line) {
  MutexLock lock(mutex_);
  if (line.age == age_ && !line.variables.full()) idle_.push_back(std::move(line));
}

void Exchange::Renew() {
  std::vector<Line> old;
  MutexLock lock(mutex_);
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

Outcome Exchange::Ask(Line& line, const v1::FrameHeader& head, const std::vector<Tensor>& tensors,
                      Clock::time_point deadline, wire::FrameReader& answer) {
  Stream& stream = *line.stream;
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
  return Refused(std::move(line), answer.head().error());
}

Outcome Exchange::Refused(Line line, const v1::Error& error) {
  line.variables = {};
  line.last_pull = {};
  Keep(std::move(line));
  return OutcomeOf(error);
}

Outcome Exchange::ReadRest(Line& line, wire::FrameReader& answer) {
  Outcome outcome;
  while (outcome.status.ok() && !answer.complete()) outcome = ReadFrame(*line.stream, answer);
  return outcome;
}

Outcome Exchange::ReadFrame(Stream& stream, wire::FrameReader& answer) {
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
