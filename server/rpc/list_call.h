// Calls with one request and an answer of many messages, that hold no thread while their caller
// reads.
#ifndef VARSCOPE_SERVER_RPC_LIST_CALL_H_
#define VARSCOPE_SERVER_RPC_LIST_CALL_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/concurrency/blocking_region.h"
#include "proto/memory/memory_account.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/raw_method.h"
#include "server/rpc/received_request.h"
#include "server/rpc/status.h"

namespace varscope::server {

// What a list call answers: `next` fills the next part, which is empty and takes about kPartBytes,
// or returns false at the end. It is called when the part before has been sent, and may block.
template <typename Response>
struct ListSource {
  // Small enough that an operator sees what there is also when memory is short.
  static constexpr uint64_t kPartBytes = MemoryAccount::kSmall;
  std::function<bool(Response* part)> next;
};

// Begins one answer, and may block. `next` holds on to what it refers to, also to the memory that
// it counts.
template <typename Request, typename Response>
using ListHandler =
    std::function<absl::StatusOr<ListSource<Response>>(const Caller&, const Request&)>;

// One call. Lives as long as an operation of gRPC's is under way. A caller that does not read for
// longer than StallDetector's limit is cut off.
template <typename Request, typename Response>
class ListCall final : public std::enable_shared_from_this<ListCall<Request, Response>> {
 public:
  using Writer = grpc::ServerAsyncWriter<grpc::ByteBuffer>;
  using Ask = AskForCall<Writer>;
  using Handler = ListHandler<Request, Response>;

  // Serves every call that comes until the server stops.
  static void Accept(const ServiceContext& service, CallQueue& queue, const Ask& ask,
                     const std::shared_ptr<const Handler>& handler) {
    CallQueue::Accept([&] {
      const auto next = std::make_shared<ListCall>(service, queue, handler);
      CallQueue::OwnTag tag(next->Tag([&service, &queue, ask, handler, next](bool ok) {
        if (!ok) return;
        Accept(service, queue, ask, handler);
        next->Run();
      }));
      ask(&next->received_.context(), &next->received_.bytes(), &next->writer_, tag.get());
      // gRPC gives it back.
      static_cast<void>(tag.release());
    });
  }

  ListCall(const ServiceContext& service, CallQueue& queue, std::shared_ptr<const Handler> handler)
      : service_(service),
        hold_(queue),
        handler_(std::move(handler)),
        writer_(&received_.context()) {}

 private:
  void* Tag(std::function<void(bool ok)> then) {
    return CallQueue::Tag(received_.context(), std::move(then));
  }

  void Run() {
    if (absl::Status taken = received_.Take(service_); !taken.ok()) return Finish(taken);
    absl::StatusOr<MemoryAccount::Hold> held =
        MemoryAccount::Process().Reserve(ListSource<Response>::kPartBytes);
    if (!held.ok()) return Finish(held.status());
    part_held_ = *std::move(held);
    {
      const BlockingRegion aside;
      absl::StatusOr<ListSource<Response>> source =
          (*handler_)(received_.caller(), received_.message());
      if (!source.ok()) return Finish(source.status());
      source_ = *std::move(source);
    }
    unread_.emplace(service_.stall_detector, [this] { received_.context().TryCancel(); });
    Write();
  }

  void Write() {
    Response part;
    if (!Next(part)) return Finish(absl::OkStatus());
    const grpc::ByteBuffer bytes = ToBytes(part);
    writer_.Write(bytes, Tag([self = this->shared_from_this(), size = bytes.Length()](bool ok) {
                    if (!ok) return;
                    self->unread_->Progress(size);
                    self->Write();
                  }));
  }

  bool Next(Response& part) {
    const BlockingRegion aside;
    return source_.next(&part);
  }

  void Finish(const absl::Status& status) {
    writer_.Finish(ToGrpc(status, received_.context()),
                   Tag([self = this->shared_from_this()](bool) {}));
  }

  const ServiceContext& service_;
  const CallQueue::Hold hold_;
  const std::shared_ptr<const Handler> handler_;
  ReceivedRequest<Request> received_;
  Writer writer_;
  MemoryAccount::Hold part_held_;
  ListSource<Response> source_;
  std::optional<StallDetector::IdleTimeout> unread_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_LIST_CALL_H_
