#include "server/rpc/shm_stream.h"

#include <chrono>
#include <future>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

// StallDetector ends a stream that makes no progress within a request; between requests it may be
// idle.
constexpr shm::Clock::time_point kNoDeadline = shm::Clock::time_point::max();

// Whoever opens a stream sends it at once.
constexpr std::chrono::seconds kFirstMessage{10};

void RunToEnd(RequestLoop& loop) {
  std::promise<void> ended;
  loop.Run([&] { ended.set_value(); });
  ended.get_future().get();
}

}  // namespace

absl::StatusOr<Caller> ShmStream::Identify() {
  const absl::StatusOr<shm::Message> first = link_.Receive(shm::Clock::now() + kFirstMessage);
  if (!first.ok()) return first.status();
  std::vector<grpc::Slice> slices;
  if (first->kind != shm::Kind::kSessionKey || !first->content.Dump(&slices).ok() ||
      slices.size() != 1) {
    return absl::InvalidArgumentError("a stream's first message is its session key");
  }
  return CallerOf<v1::TensorFrame>(
      service_, {reinterpret_cast<const char*>(slices[0].begin()), slices[0].size()});
}

void ShmStream::Serve() {
  absl::StatusOr<Caller> caller = Identify();
  SendEnd(caller.ok() ? Serve(*std::move(caller)) : caller.status());
  HangUp();
}

absl::Status ShmStream::Serve(Caller caller) {
  RequestLoop loop(service_, std::move(caller), shm::kMaxBodyBytes, [this] { HangUp(); });
  RequestLoop::Next next = RequestLoop::Next::kRead;
  for (;;) {
    switch (next) {
      case RequestLoop::Next::kRead:
        next = Read(loop);
        break;
      case RequestLoop::Next::kWrite: {
        const absl::Status sent = link_.Send(shm::Kind::kFrame, loop.frame(), kNoDeadline);
        next = sent.ok() ? loop.Written() : loop.Ended(sent);
        break;
      }
      case RequestLoop::Next::kRun:
        RunToEnd(loop);
        next = loop.Ran();
        break;
      case RequestLoop::Next::kEnd:
        return loop.end();
    }
  }
}

RequestLoop::Next ShmStream::Read(RequestLoop& loop) {
  absl::StatusOr<shm::Message> message = link_.Receive(kNoDeadline);
  if (!message.ok()) return loop.Ended(message.status());
  // The worker can still change what comes after the first slice, which is tensors.
  if (message->kind == shm::Kind::kFrame && wire::BeginsWithWholeHeader(message->content)) {
    return loop.Received(message->content);
  }
  return loop.Ended(wire::Malformed("a worker sends frames only, each with its header"));
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
