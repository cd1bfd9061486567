#include "server/rpc/shm_stream.h"

#include <chrono>
#include <future>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/status.h"
#include "server/rpc/stream_request.h"

namespace varscope::server {
namespace {

// StallDetector ends a stream that makes no progress within a request; between requests it may be
// idle.
constexpr shm::Clock::time_point kNoDeadline = shm::Clock::time_point::max();

// Whoever opens a stream sends it at once.
constexpr std::chrono::seconds kFirstMessage{10};

absl::Status Add(StreamRequest& request, shm::Message& message) {
  if (message.kind == shm::Kind::kFrame) return request.Add(message.content);
  return absl::InvalidArgumentError("a worker sends frames only");
}

void RunToEnd(StreamRequest& request) {
  std::promise<void> ended;
  request.Run([&] { ended.set_value(); });
  ended.get_future().get();
}

}  // namespace

absl::Status ShmStream::Identify() {
  const absl::StatusOr<shm::Message> first = link_.Receive(shm::Clock::now() + kFirstMessage);
  if (!first.ok()) return first.status();
  std::vector<grpc::Slice> slices;
  if (first->kind != shm::Kind::kSessionKey || !first->content.Dump(&slices).ok() ||
      slices.size() != 1) {
    return absl::InvalidArgumentError("a stream's first message is its session key");
  }
  absl::StatusOr<Caller> caller = CallerOf<v1::TensorFrame>(
      service_, {reinterpret_cast<const char*>(slices[0].begin()), slices[0].size()});
  if (!caller.ok()) return caller.status();
  caller_ = *std::move(caller);
  return absl::OkStatus();
}

void ShmStream::Serve() {
  absl::Status status = Identify();
  while (status.ok()) status = ServeRequest();
  SendEnd(status);
  HangUp();
}

absl::Status ShmStream::ServeRequest() {
  absl::StatusOr<shm::Message> message = link_.Receive(kNoDeadline);
  if (!message.ok()) return message.status();
  StreamRequest request(service_, caller_, state_, shm::kMaxBodyBytes);
  {
    StallDetector::IdleTimeout idle_timeout(service_.stall_detector, [this] { HangUp(); });
    for (;;) {
      if (absl::Status status = Add(request, *message); !status.ok()) return status;
      if (request.complete()) break;
      message = link_.Receive(kNoDeadline);
      if (!message.ok()) return message.status();
      idle_timeout.Progress();
    }
  }
  RunToEnd(request);
  StallDetector::IdleTimeout idle_timeout(service_.stall_detector, [this] { HangUp(); });
  while (const std::optional<grpc::ByteBuffer> frame = request.NextFrame()) {
    absl::Status sent = link_.Send(shm::Kind::kFrame, *frame, kNoDeadline);
    if (!sent.ok()) return sent;
    idle_timeout.Progress();
  }
  return absl::OkStatus();
}

void ShmStream::SendEnd(const absl::Status& status) {
  v1::Error end;
  ToProto(status, &end);
  const grpc::Slice slice(end.SerializeAsString());
  StallDetector::IdleTimeout idle_timeout(service_.stall_detector, [this] { HangUp(); });
  // Whoever is gone does not need it.
  link_.Send(shm::Kind::kEnd, grpc::ByteBuffer(&slice, 1), kNoDeadline).IgnoreError();
}

}  // namespace varscope::server
