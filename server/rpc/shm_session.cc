#include "server/rpc/shm_session.h"

#include <chrono>
#include <future>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/status.h"
#include "server/rpc/turn.h"

namespace varscope::server {
namespace {

// Stalls ends a stream that stands still within a turn; between turns it may.
constexpr shm::Clock::time_point kNoDeadline = shm::Clock::time_point::max();

// Whoever opens a stream sends it at once.
constexpr std::chrono::seconds kFirstMessage{10};

absl::Status Take(Turn& turn, shm::Message& message) {
  if (message.kind == shm::Kind::kFrame) return turn.Add(message.content);
  return absl::InvalidArgumentError("a worker sends frames only");
}

void RunToEnd(Turn& turn) {
  std::promise<void> ended;
  turn.Run([&] { ended.set_value(); });
  ended.get_future().get();
}

}  // namespace

absl::Status ShmSession::Identify() {
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

void ShmSession::Serve() {
  absl::Status status = Identify();
  while (status.ok()) status = ServeTurn();
  SendEnd(status);
  HangUp();
}

absl::Status ShmSession::ServeTurn() {
  absl::StatusOr<shm::Message> request = link_.Receive(kNoDeadline);
  if (!request.ok()) return request.status();
  Turn turn(service_, caller_, state_, shm::kMaxBodyBytes);
  {
    Stalls::Watch watch(service_.stalls, [this] { HangUp(); });
    for (;;) {
      if (absl::Status status = Take(turn, *request); !status.ok()) return status;
      if (turn.whole()) break;
      request = link_.Receive(kNoDeadline);
      if (!request.ok()) return request.status();
      watch.Progress();
    }
  }
  RunToEnd(turn);
  Stalls::Watch watch(service_.stalls, [this] { HangUp(); });
  while (const std::optional<grpc::ByteBuffer> frame = turn.NextFrame()) {
    absl::Status sent = link_.Send(shm::Kind::kFrame, *frame, kNoDeadline);
    if (!sent.ok()) return sent;
    watch.Progress();
  }
  return absl::OkStatus();
}

void ShmSession::SendEnd(const absl::Status& status) {
  v1::Error end;
  ToProto(status, &end);
  const grpc::Slice slice(end.SerializeAsString());
  Stalls::Watch watch(service_.stalls, [this] { HangUp(); });
  // Whoever is gone does not need it.
  link_.Send(shm::Kind::kEnd, grpc::ByteBuffer(&slice, 1), kNoDeadline).IgnoreError();
}

}  // namespace varscope::server
