// Calls with one request and one answer that hold no thread while they wait.
#ifndef VARSCOPE_SERVER_RPC_UNARY_CALL_H_
#define VARSCOPE_SERVER_RPC_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_unary_call.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "proto/memory/memory_account.h"
#include "proto/wire/arena_message.h"
#include "server/rpc/call_done.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/raw_method.h"
#include "server/rpc/received_request.h"
#include "server/rpc/status.h"

namespace varscope::server {

// What a call does. `run` fills the response, which stays where it is until `done`; `leave`, if
// any, is called, once and after `run` has returned, when the caller no longer waits.
template <typename Request, typename Response>
struct UnaryHandler {
  std::function<void(const Caller&, const Request&, Response*, CallDone done)> run;
  std::function<void(const Caller&, const Request&)> leave;
};

// One call. Lives as long as it is under way or an operation of gRPC's is. Request and response
// are bytes for gRPC: what a request becomes in memory is counted here.
template <typename Request, typename Response>
class UnaryCall final : public std::enable_shared_from_this<UnaryCall<Request, Response>> {
 public:
  using Writer = grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>;
  using Ask = AskForCall<Writer>;
  using Handler = UnaryHandler<Request, Response>;

  // Serves every call that comes until the server stops.
  static void Accept(const ServiceContext& service, CallQueue& queue, const Ask& ask,
                     const std::shared_ptr<const Handler>& handler) {
    const auto next = std::make_shared<UnaryCall>(service, queue, handler);
    void* const ended = CallQueue::Tag([call = std::weak_ptr<UnaryCall>(next)](bool) {
      if (const std::shared_ptr<UnaryCall> waiting = call.lock()) waiting->Ended();
    });
    next->received_.context().AsyncNotifyWhenDone(ended);
    ask(&next->received_.context(), &next->received_.bytes(), &next->writer_,
        // gRPC gives the tag back.
        // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks)
        CallQueue::Tag([&service, &queue, ask, handler, next, ended](bool ok) {
          if (!ok) return CallQueue::Drop(ended);
          Accept(service, queue, ask, handler);
          next->Run();
        }));
  }

  UnaryCall(const ServiceContext& service, CallQueue& queue, std::shared_ptr<const Handler> handler)
      : service_(service),
        hold_(queue),
        handler_(std::move(handler)),
        writer_(&received_.context()) {}

 private:
  void Run() {
    if (absl::Status taken = received_.Take(service_); !taken.ok()) return Finish(taken);
    handler_->run(
        received_.caller(), received_.message(), &*response_,
        [self = this->shared_from_this()](const absl::Status& status) { self->Finish(status); });
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

  // Once the caller has its answer, or has not read it for too long, this ends. What the answer
  // takes counts, but cannot be refused any more.
  void Finish(const absl::Status& status) {
    finished_ = true;
    const grpc::ByteBuffer response = ToBytes(*response_);
    answer_held_ = MemoryAccount::Process().HoldAnyway(response.Length());
    unread_.emplace(service_.stall_detector, [this] { received_.context().TryCancel(); });
    writer_.Finish(response, ToGrpc(status, received_.context()),
                   CallQueue::Tag([self = this->shared_from_this()](bool) {}));
  }

  const ServiceContext& service_;
  const CallQueue::Hold hold_;
  const std::shared_ptr<const Handler> handler_;
  ReceivedRequest<Request> received_;
  wire::ArenaMessage<Response> response_;
  Writer writer_;
  MemoryAccount::Hold answer_held_;  // once finished
  std::optional<StallDetector::IdleTimeout> unread_;
  std::atomic<bool> running_ = false;
  std::atomic<bool> left_ = false;
  std::atomic<bool> told_ = false;
  std::atomic<bool> finished_ = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_UNARY_CALL_H_
