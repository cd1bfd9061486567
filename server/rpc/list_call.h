// Calls with one request and an answer of many messages, which are made in turns, and that hold no
// thread while their caller reads.
#ifndef VARSCOPE_SERVER_RPC_LIST_CALL_H_
#define VARSCOPE_SERVER_RPC_LIST_CALL_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/memory/memory_account.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/raw_method.h"
#include "server/rpc/received_request.h"
#include "server/rpc/status.h"
#include "server/rpc/work_serializer.h"

namespace varscope::server {

// What a list call answers: `next` fills the next part, which takes about kPartBytes, and says
// whether others follow. It looks at few things, however few of them are of the list: what stays
// empty is not sent, and the next is looked for in another turn. It is called when the part before
// has been sent, and may block.
template <typename Response>
struct ListSource {
  // Small enough that an operator sees what there is also when memory is short.
  static constexpr uint64_t kPartBytes = MemoryAccount::kSmall;
  std::function<absl::StatusOr<bool>(Response* part)> next;
};

template <typename Request, typename Response>
struct ListHandler {
  // Begins one answer, and may block. `next` holds on to what it refers to, also to the memory that
  // it counts.
  std::function<absl::StatusOr<ListSource<Response>>(const Caller&, const Request&)> begin;
  // Where its parts have their turns.
  std::function<WorkSerializer&(const Caller&)> turns;
};

// One call. Lives as long as an operation of gRPC's is under way. A caller that does not read for
// longer than StallDetector's limit is cut off.
template <typename Request, typename Response>
class ListCall final : public std::enable_shared_from_this<ListCall<Request, Response>> {
 public:
  using Writer = grpc::ServerAsyncWriter<grpc::ByteBuffer>;
  using Handler = ListHandler<Request, Response>;

  ListCall(const ServiceContext& service, CallQueue& queue, std::shared_ptr<const Handler> handler)
      : service_(service),
        queue_(queue),
        hold_(queue),
        handler_(std::move(handler)),
        writer_(&received_.context()) {}

 private:
  friend CallAcceptor<ListCall>;

  void* Tag(std::function<void(bool ok)> then) {
    return CallQueue::Tag(received_.context(), std::move(then));
  }

  void Run() {
    if (absl::Status taken = received_.Take(service_); !taken.ok()) return Finish(taken);
    absl::StatusOr<MemoryAccount::Hold> held =
        MemoryAccount::Process().Reserve(ListSource<Response>::kPartBytes);
    if (!held.ok()) return Finish(held.status());
    part_held_ = *std::move(held);
    turns_ = &handler_->turns(received_.caller());
    TakeTurn();
    running_ = true;
    // The caller may have left before.
    if (left_) turns_->Leave(this);
  }

  // gRPC is done with the call, perhaps because the caller no longer waits.
  void Ended() {
    left_ = received_.context().IsCancelled();
    if (left_ && running_) turns_->Leave(this);
  }

  void TakeTurn() {
    turns_->Run(
        this, [self = this->shared_from_this()] { return self->Turn(); },
        [self = this->shared_from_this()](const absl::Status& made) { self->Made(made); });
  }

  // On the thread of whoever has others' turns, too. What stays empty is not sent.
  std::optional<absl::Status> Turn() {
    const absl::StatusOr<bool> more = MakePart();
    if (!more.ok()) return more.status();
    more_ = *more;
    if (more_ && bytes_.Length() == 0) return std::nullopt;
    return absl::OkStatus();
  }

  void Made(const absl::Status& made) {
    queue_.Post(received_.context(), [self = this->shared_from_this(), made] { self->Send(made); });
  }

  // Whether others follow.
  absl::StatusOr<bool> MakePart() {
    if (!source_.next) {
      absl::StatusOr<ListSource<Response>> source =
          handler_->begin(received_.caller(), received_.message());
      if (!source.ok()) return source.status();
      source_ = *std::move(source);
    }
    Response part;
    absl::StatusOr<bool> more = source_.next(&part);
    if (more.ok()) bytes_ = ToBytes(part);
    return more;
  }

  void Send(const absl::Status& made) {
    if (!made.ok()) return Finish(made);
    if (bytes_.Length() == 0) return Finish(absl::OkStatus());
    // Only while it has something to read, not while it waits for a turn.
    unread_.emplace(service_.stall_detector, [this] { received_.context().TryCancel(); });
    grpc::ByteBuffer bytes;
    bytes.Swap(&bytes_);
    CallQueue::Begin(
        received_.context(),
        [self = this->shared_from_this()](bool ok) {
          if (!ok) return;
          self->unread_.reset();
          if (self->more_) return self->TakeTurn();
          self->Finish(absl::OkStatus());
        },
        [&](void* tag) { writer_.Write(bytes, tag); });
  }

  void Finish(const absl::Status& status) {
    const grpc::Status end = ToGrpc(status, received_.context());
    CallQueue::Begin(
        received_.context(), [self = this->shared_from_this()](bool) {},
        [&](void* tag) { writer_.Finish(end, tag); });
  }

  const ServiceContext& service_;
  CallQueue& queue_;
  const CallQueue::Hold hold_;
  const std::shared_ptr<const Handler> handler_;
  ReceivedRequest<Request> received_;
  Writer writer_;
  MemoryAccount::Hold part_held_;
  WorkSerializer* turns_ = nullptr;  // once it runs
  ListSource<Response> source_;
  bool more_ = true;
  grpc::ByteBuffer bytes_;  // of the part that is to be sent; empty: none
  std::optional<StallDetector::IdleTimeout> unread_;
  std::atomic<bool> running_ = false;
  std::atomic<bool> left_ = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_LIST_CALL_H_
