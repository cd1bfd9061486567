// A stream of messages through shared memory.
#ifndef VARSCOPE_CLIENT_RPC_SHM_STREAM_H_
#define VARSCOPE_CLIENT_RPC_SHM_STREAM_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "client/rpc/stream.h"
#include "proto/shm/link.h"

namespace varscope::internal {

class ShmStream final : public Stream {
 public:
  // Null when the socket `name` hands out no memory: it is another host's, or has none to give.
  // Else a stream of the session that has that key.
  static std::unique_ptr<Stream> Open(const std::string& name, const std::string& session_key);
  explicit ShmStream(shm::Link link) : link_(std::move(link)) {}

  void SetDeadline(Clock::time_point deadline) override { deadline_ = deadline; }
  // Nothing happens to bytes that stay in memory.
  wire::FrameOptions frames() const override { return {.body_bytes = shm::kMaxBodyBytes}; }
  bool Write(const grpc::ByteBuffer& message) override;
  bool Read(grpc::ByteBuffer* message) override;
  Outcome Finish() override;

 private:
  bool Fail(const absl::Status& status);

  shm::Link link_;
  shm::Clock::time_point deadline_ = shm::Clock::time_point::max();
  Outcome outcome_;  // not OK after a failure
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_SHM_STREAM_H_
