// Calls with one request and one answer that hold no thread while they wait.
#ifndef VARSCOPE_SERVER_RPC_UNARY_CALL_H_
#define VARSCOPE_SERVER_RPC_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/async_unary_call.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/wire/arena_message.h"
#include "server/rpc/call_done.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/context.h"
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
  // Asks gRPC for the next call.
  using Ask = std::function<void(grpc::ServerContext*, grpc::ByteBuffer*, Writer*, void* tag)>;
  using Handler = UnaryHandler<Request, Response>;

  // Serves every call that comes until the server stops.
  static void Accept(const ServiceContext& service, CallQueue& queue, const Ask& ask,
                     const std::shared_ptr<const Handler>& handler) {
    const auto next = std::make_shared<UnaryCall>(service, queue, handler);
    void* const ended = CallQueue::Tag([call = std::weak_ptr<UnaryCall>(next)](bool) {
      if (const std::shared_ptr<UnaryCall> waiting = call.lock()) waiting->Ended();
    });
    next->context_.AsyncNotifyWhenDone(ended);
    ask(&next->context_, &next->bytes_, &next->writer_,
        CallQueue::Tag([&service, &queue, ask, handler, next, ended](bool ok) {
          if (!ok) return CallQueue::Drop(ended);
          Accept(service, queue, ask, handler);
          next->Run();
        }));
  }

  UnaryCall(const ServiceContext& service, CallQueue& queue, std::shared_ptr<const Handler> handler)
      : service_(service), hold_(queue), handler_(std::move(handler)), writer_(&context_) {}

 private:
  void Run() {
    call_.emplace(service_.in_flight_calls);
    if (!call_->admitted().ok()) return Finish(call_->admitted());
    absl::StatusOr<Caller> caller = CallerOf<Request>(service_, context_);
    if (!caller.ok()) return Finish(caller.status());
    caller_ = *std::move(caller);
    if (absl::Status parsed = Parse(); !parsed.ok()) return Finish(parsed);
    handler_->run(
        caller_, *request_, &response_,
        [self = this->shared_from_this()](const absl::Status& status) { self->Finish(status); });
    running_ = true;
    // The caller may have left before.
    if (left_) Leave();
  }

  absl::Status Parse() {
    std::vector<grpc::Slice> slices;
    if (!bytes_.Dump(&slices).ok()) return absl::InternalError("the request is not readable");
    bytes_.Clear();
    absl::Status status = request_.Parse(slices);
    if (!absl::IsInvalidArgument(status)) return status;
    return absl::InvalidArgumentError(
        absl::StrCat("the request is no ", Request::descriptor()->full_name()));
  }

  // gRPC is done with the call, perhaps because the caller no longer waits.
  void Ended() {
    if (finished_ || !context_.IsCancelled()) return;
    left_ = true;
    if (running_) Leave();
  }

  // Once it is finished, whoever waits in the caller's name is another call.
  void Leave() {
    if (!finished_ && handler_->leave && !told_.exchange(true)) handler_->leave(caller_, *request_);
  }

  void Finish(const absl::Status& status) {
    finished_ = true;
    grpc::ByteBuffer response;
    bool own = false;
    grpc::GenericSerialize<grpc::ProtoBufferWriter, Response>(response_, &response, &own);
    writer_.Finish(response, ToGrpc(status, context_),
                   CallQueue::Tag([self = this->shared_from_this()](bool) {}));
  }

  const ServiceContext& service_;
  const CallQueue::Hold hold_;
  const std::shared_ptr<const Handler> handler_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  wire::ArenaMessage<Request> request_;
  Response response_;
  Caller caller_;  // once it runs
  Writer writer_;
  std::optional<InFlightCalls::Call> call_;  // from then on
  std::atomic<bool> running_ = false;
  std::atomic<bool> left_ = false;
  std::atomic<bool> told_ = false;
  std::atomic<bool> finished_ = false;
};

// Serves a method of `service` in `queue`: `ask` is the function that gRPC generates for it as a
// raw method.
template <typename Service, typename RawService, typename Request, typename Response>
void ServeUnary(Service& service,
                void (RawService::*ask)(grpc::ServerContext*, grpc::ByteBuffer*,
                                        grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>*,
                                        grpc::CompletionQueue*, grpc::ServerCompletionQueue*,
                                        void*),
                const ServiceContext& context, CallQueue& queue,
                UnaryHandler<Request, Response> handler) {
  using Call = UnaryCall<Request, Response>;
  Call::Accept(
      context, queue,
      [&service, ask, calls = queue.queue()](grpc::ServerContext* call, grpc::ByteBuffer* request,
                                             typename Call::Writer* writer, void* tag) {
        (service.*ask)(call, request, writer, calls, calls, tag);
      },
      std::make_shared<const typename Call::Handler>(std::move(handler)));
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_UNARY_CALL_H_
