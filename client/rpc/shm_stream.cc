#include "client/rpc/shm_stream.h"

#include "absl/status/statusor.h"
#include "varscope/v1/types.pb.h"

namespace varscope::internal {
namespace {

// The server's accepting thread has nothing else to do.
constexpr std::chrono::seconds kHandOver{1};

Outcome OutcomeOfEnd(const grpc::ByteBuffer& end) {
  std::vector<grpc::Slice> slices;
  v1::Error message;
  if (!end.Dump(&slices).ok() || slices.empty() ||
      !message.ParseFromArray(slices[0].begin(), static_cast<int>(slices[0].size()))) {
    return {{grpc::StatusCode::INTERNAL, "the server's last message does not parse"}, {}, {}};
  }
  return OutcomeOf(message);
}

}  // namespace

std::unique_ptr<Stream> ShmStream::Open(const std::string& name, const std::string& session_key) {
  const shm::Clock::time_point deadline = shm::Clock::now() + kHandOver;
  absl::StatusOr<shm::Link> link = shm::Link::Connect(name, deadline);
  if (!link.ok()) return nullptr;
  const grpc::Slice key(session_key);
  absl::Status sent = link->Send(shm::Kind::kSessionKey, grpc::ByteBuffer(&key, 1), deadline);
  if (!sent.ok()) return nullptr;
  return std::make_unique<ShmStream>(*std::move(link));
}

bool ShmStream::Fail(const absl::Status& status) {
  if (outcome_.status.ok()) {
    outcome_.status = {static_cast<grpc::StatusCode>(status.raw_code()),
                       std::string(status.message())};
  }
  return false;
}

bool ShmStream::Write(const grpc::ByteBuffer& message) {
  const absl::Status sent = link_.Send(shm::Kind::kFrame, message, deadline_);
  return sent.ok() || Fail(sent);
}

bool ShmStream::Read(grpc::ByteBuffer* message) {
  absl::StatusOr<shm::Message> received = link_.Receive(deadline_);
  if (!received.ok()) return Fail(received.status());
  if (received->kind == shm::Kind::kFrame) {
    message->Swap(&received->content);
    return true;
  }
  outcome_ = OutcomeOfEnd(received->content);
  return false;
}

Outcome ShmStream::Finish() {
  // A server that stopped reading has said why.
  grpc::ByteBuffer unread;
  if (absl::IsUnavailable({static_cast<absl::StatusCode>(outcome_.status.error_code()), ""})) {
    while (Read(&unread)) {
    }
  }
  link_.HangUp();
  return outcome_;
}

}  // namespace varscope::internal
