// One streaming call of raw byte buffers, used from one thread.
#ifndef VARSCOPE_CLIENT_RPC_RAW_CALL_H_
#define VARSCOPE_CLIENT_RPC_RAW_CALL_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "client/rpc/call_list.h"
#include "client/rpc/stream.h"

namespace varscope::internal {

// Destroying an unfinished call cancels it.
class RawCall final : public Stream {
 public:
  // `session_key` goes with it, unless it is empty. It is one of `calls`, unless that is null.
  RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
          const std::string& session_key = "", bool checksums = false,
          std::shared_ptr<CallList> calls = nullptr);
  ~RawCall() override;
  RawCall(const RawCall&) = delete;
  RawCall& operator=(const RawCall&) = delete;

  void SetDeadline(Clock::time_point deadline) override { deadline_ = deadline; }
  wire::FrameOptions frames() const override {
    return {.checksums = checksums_, .flow_control = true};
  }
  bool Write(const grpc::ByteBuffer& message) override;
  bool Read(grpc::ByteBuffer* message) override;
  Outcome Finish() override;
  // The last message has been written.
  bool WritesDone();
  void Cancel() { context_.TryCancel(); }

 private:
  bool Start();
  // Waits for the one operation under way; cancels the call when the deadline passes.
  bool Wait();

  const bool checksums_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool late_ = false;
  bool started_ = false;
  bool finished_ = false;
  std::optional<CallList::Entry> entry_;  // the last: it needs the context
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_RAW_CALL_H_
