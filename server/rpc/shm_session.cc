#include "server/rpc/shm_session.h"

#include <future>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rpc/status.h"
#include "server/rpc/turn.h"

namespace varscope::server {
namespace {

// Stalls ends a stream that stands still within a turn; between turns it may.
constexpr shm::Clock::time_point kNoDeadline = shm::Clock::time_point::max();

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

void ShmSession::Serve() {
  absl::Status status;
  while (status.ok()) status = ServeTurn();
  SendEnd(status);
  HangUp();
}

absl::Status ShmSession::ServeTurn() {
  absl::StatusOr<shm::Message> request = link_.Receive(kNoDeadline);
  if (!request.ok()) return request.status();
  Turn turn(service_, state_, shm::kMaxBodyBytes);
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
