// One request of a stream: a push, a pull, or both, and the answer. Knows nothing of how frames
// come and go.
#ifndef VARSCOPE_SERVER_RPC_STREAM_REQUEST_H_
#define VARSCOPE_SERVER_RPC_STREAM_REQUEST_H_

#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/memory/idle_memory.h"
#include "proto/memory/memory_account.h"
#include "proto/wire/frame.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "server/auth/caller.h"
#include "server/push/push.h"
#include "server/rpc/context.h"
#include "server/rpc/pull_reader.h"
#include "server/rpc/resolved_pull.h"

namespace varscope::server {

// Counts as a call under way while it lives. Add, Run, MakeAnswer and NextFrame are called one
// after the other, from any threads.
class StreamRequest {
 public:
  // `caller` and `stream` are its stream's. The answer's frames have bodies of at most
  // `body_bytes`.
  StreamRequest(const ServiceContext& service, const Caller& caller, StreamState& stream,
                size_t body_bytes = wire::kFrameBodyBytes);
  StreamRequest(const StreamRequest&) = delete;
  StreamRequest& operator=(const StreamRequest&) = delete;

  // The request's next frame. An error is the stream's end: the frame makes no sense, or the
  // request is refused and much of it has not come yet.
  absl::Status Add(grpc::ByteBuffer& frame);
  // Of all tensors that it has, once its head has come.
  uint64_t bytes() const { return request_.total_bytes(); }
  // Whether the request has come.
  bool complete() const { return request_.complete(); }
  // Once complete: whether Run or MakeAnswer may take milliseconds: what they touch counts, not
  // what was sent for it.
  bool takes_long() const;
  // What to tell the worker while its request comes.
  std::optional<uint64_t> DueAcknowledgement() {
    return head().flow_control() ? request_.DueAcknowledgement() : std::nullopt;
  }
  // Why it is refused, or what is missing, when the stream ends before the request has come.
  absl::Status CutShort() const { return refused_.ok() ? request_.Finish() : refused_; }

  // Pushes, and waits until the push's time has come, it is durable, and the worker may read.
  // `done` is called once, perhaps before Run returns, on the thread of whoever was awaited, which
  // it must not keep; it is then let go.
  void Run(std::function<void()> done);
  // After that, once: reads what is pulled. The answer may be an error.
  void MakeAnswer();

  // Of the answer's tensors.
  uint64_t answer_bytes() const { return answer_->total_bytes(); }
  // The answer's next frame, which pins what it sends; nothing after the last.
  std::optional<grpc::ByteBuffer> NextFrame() { return answer_->Next(); }
  // Whether it has to wait until the worker has acknowledged some of the answer.
  bool must_wait() const { return answer_->must_wait(); }
  void Acknowledged(uint64_t received) { answer_->Acknowledged(received); }

 private:
  using Tensors = std::vector<wire::IncomingTensor>;
  absl::StatusOr<Tensors> TakeHead(const v1::FrameHeader& head);
  absl::StatusOr<Tensors> CheckHead(const v1::FrameHeader& head);
  absl::Status CheckPush(const v1::PushHead& push, Tensors& tensors);
  absl::Status CheckPusher(const v1::PushHead& push) const;
  // An error that names the worker.
  absl::Status WithWorker(const absl::Status& status) const;
  absl::Status CheckGroups(const v1::PushHead& push) const;
  absl::Status CheckKept(const v1::PushHead& push) const;
  absl::Status CheckPull(const v1::PullRequest& pull, Tensors& tensors);
  absl::Status Reserve(uint64_t bytes, MemoryQuota::Reservation& reservation);
  void Push();
  // A push that may wait for others as long as they like has a share for that.
  absl::Status WaitForOthers();
  void Release();
  void Pushed(const absl::StatusOr<PushResult>& result);
  void AwaitRead();
  void Done(const absl::Status& status);
  // Adds to the answer.
  absl::Status Pull();
  // The answer is that error.
  void Fail(const absl::Status& status);
  const v1::FrameHeader& head() const { return request_.head(); }

  const InFlightCalls::Call call_;
  const ServiceContext& service_;
  const Caller& caller_;
  StreamState& stream_;
  const size_t body_bytes_;
  wire::FrameReader request_;
  MemoryQuota::Reservation push_reservation_;  // until it is durable
  MemoryAccount::Hold push_held_;              // MemoryOfPush; as long
  IdleMemory::Hold waiting_;                   // of a push that may wait for others; as long
  MemoryQuota::Reservation pull_reservation_;  // of what is copied for it
  std::optional<ResolvedPush> push_;
  uint64_t touched_bytes_ = 0;  // by the push
  size_t slots_beside_ = 0;     // of the push, beside those of its gradients
  std::optional<ResolvedPull> resolved_pull_;
  absl::Status refused_;  // why, once the head has come
  std::function<void()> done_;
  // Once done.
  absl::Status failed_;
  PushResult pushed_;
  absl::Status may_read_;

  std::optional<PullReader> pull_;
  wire::Header answer_head_;
  std::optional<wire::FrameWriter> answer_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_STREAM_REQUEST_H_
