// Calls with one request and one answer that hold no thread while they wait.
#ifndef VARSCOPE_SERVER_RPC_UNARY_CALL_H_
#define VARSCOPE_SERVER_RPC_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_unary_call.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "proto/concurrency/blocking_region.h"
#include "server/rpc/answer.h"
#include "server/rpc/call_done.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/raw_method.h"
#include "server/rpc/received_request.h"
#include "server/rpc/status.h"

namespace varscope::server {

// What a call does. `run` makes the answer, which stays where it is until `done`; `leave`, if any,
// is called, once and after `run` has returned, when the caller no longer waits.
template <typename Request, typename Response>
struct UnaryHandler {
  std::function<void(const Caller&, const Request&, Answer<Response>&, CallDone done)> run;
  std::function<void(const Caller&, const Request&)> leave;
};

// One call. Lives as long as it is under way or an operation of gRPC's is. Request and answer are
// bytes for gRPC: what they are in memory is counted here.
template <typename Request, typename Response>
class UnaryCall final : public std::enable_shared_from_this<UnaryCall<Request, Response>> {
 public:
  using Writer = grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>;
  using Handler = UnaryHandler<Request, Response>;

  UnaryCall(const ServiceContext& service, CallQueue& queue, std::shared_ptr<const Handler> handler)
      : service_(service),
        queue_(queue),
        hold_(queue),
        handler_(std::move(handler)),
        writer_(&received_.context()) {}

 private:
  friend CallAcceptor<UnaryCall>;

  void* Tag(std::function<void(bool ok)> then) {  // NOLINT: it is moved from
    return CallQueue::Tag(received_.context(), std::move(then));
  }

  void Run() {
    if (absl::Status taken = received_.Take(service_); !taken.ok()) return Finish(taken);
    answer_.emplace(received_.caller().holder());
    try {
      handler_->run(
          received_.caller(), received_.message(), *answer_,
          [self = this->shared_from_this()](const absl::Status& status) { self->Finish(status); });
    } catch (const std::bad_alloc&) {
      // Its CallDone has ended with it, and told the caller.
    }
    running_ = true;
    // The caller may have left before.
    if (left_) Leave();
  }

  // gRPC is done with the call, perhaps because the caller no longer waits.
  void Ended() {
    if (finished_ || !received_.context().IsCancelled()) return;
    left_ = true;
    if (running_) Leave();
  }

  // Once it is finished, whoever waits in the caller's name is another call.
  void Leave() {
    if (!finished_ && handler_->leave && !told_.exchange(true)) {
      handler_->leave(received_.caller(), received_.message());
    }
  }

  // Whoever ends it has others to tell: the log's thread, or the last worker at a barrier.
  void Finish(const absl::Status& status) {
    finished_ = true;
    queue_.Post(received_.context(),
                [self = this->shared_from_this(), status] { self->Send(status); });
  }

  // Once the caller has its answer, or has not read it for too long, this ends.
  void Send(const absl::Status& status) {
    constexpr uint64_t kTakesLong = uint64_t{256} << 10;
    unread_.emplace(service_.stall_detector, [this] { received_.context().TryCancel(); });
    const grpc::Status end = ToGrpc(status, received_.context());
    std::optional<BlockingRegion> aside;
    grpc::ByteBuffer bytes;
    if (end.ok()) {
      if (answer_->bytes() > kTakesLong) aside.emplace();
      bytes = ToBytes(**answer_);
    }
    CallQueue::Begin(
        received_.context(), [self = this->shared_from_this()](bool) {},
        [&](void* sent) {
          end.ok() ? writer_.Finish(bytes, end, sent) : writer_.FinishWithError(end, sent);
        });
  }

  const ServiceContext& service_;
  CallQueue& queue_;
  const CallQueue::Hold hold_;
  const std::shared_ptr<const Handler> handler_;
  ReceivedRequest<Request> received_;
  std::optional<Answer<Response>> answer_;  // once it runs
  Writer writer_;
  std::optional<StallDetector::IdleTimeout> unread_;
  std::atomic<bool> running_ = false;
  std::atomic<bool> left_ = false;
  std::atomic<bool> told_ = false;
  std::atomic<bool> finished_ = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_UNARY_CALL_H_
