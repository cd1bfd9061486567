// The requests of one stream, one after the other, whatever carries its frames.
#ifndef VARSCOPE_SERVER_RPC_REQUEST_LOOP_H_
#define VARSCOPE_SERVER_RPC_REQUEST_LOOP_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "server/auth/caller.h"
#include "server/rpc/context.h"
#include "server/rpc/resolved_pull.h"
#include "server/rpc/stall_detector.h"
#include "server/rpc/stream_request.h"

namespace varscope::server {

// Reads a request, runs it, writes the answer, and begins again: each call says what its stream has
// to do next. Between requests a stream may be idle for as long as it likes; within one
// StallDetector ends it when it makes no progress. The calls come one after the other, from any
// threads.
class RequestLoop {
 public:
  enum class Next : uint8_t {
    kRead,   // a frame, then Received or Ended
    kWrite,  // frame(), then Written or Ended
    kRun,    // Run, then Ran when that is done
    kEnd     // the stream, with end()
  };
  // `caller` sends the frames. The answers' frames have bodies of at most `body_bytes`. `hang_up`,
  // from any thread, makes what the stream does fail.
  RequestLoop(const ServiceContext& service, Caller caller, size_t body_bytes,
              std::function<void()> hang_up);
  RequestLoop(const RequestLoop&) = delete;
  RequestLoop& operator=(const RequestLoop&) = delete;

  // Takes the frame.
  Next Received(grpc::ByteBuffer& frame);
  // Whether that may take milliseconds: the frame has a head, which may be large.
  bool ReceivingTakesLong(const grpc::ByteBuffer& frame) const;
  Next Written();
  // The worker has ended its stream, or, with an error, there is nothing to read or write any more.
  Next Ended(const absl::Status& why);

  // Whether Run or Ran may take milliseconds.
  bool takes_long() const { return request_->takes_long(); }
  // As StreamRequest::Run. Then Ran, on a thread that may be kept.
  void Run(std::function<void()> done) { request_->Run(std::move(done)); }
  Next Ran();

  const grpc::ByteBuffer& frame() const { return frame_; }
  const absl::Status& end() const { return end_; }

 private:
  Next ReceivedOfRequest(grpc::ByteBuffer& frame);
  Next ReceivedOfAnswer(grpc::ByteBuffer& frame);
  Next Write(const grpc::ByteBuffer& frame);
  Next WriteAnswer();
  Next End(absl::Status status);
  void StartIdleTimeout() { idle_timeout_.emplace(service_.stall_detector, hang_up_); }

  const ServiceContext& service_;
  const Caller caller_;
  const size_t body_bytes_;
  const std::function<void()> hang_up_;
  StreamState state_;
  std::optional<StreamRequest> request_;  // nothing: between two
  bool answers_ = false;
  uint64_t acknowledged_ = 0;                               // of the answer's bytes
  std::optional<StallDetector::IdleTimeout> idle_timeout_;  // while frames come or go
  grpc::ByteBuffer frame_;
  absl::Status end_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_REQUEST_LOOP_H_
