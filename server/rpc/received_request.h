// What comes with a call over gRPC: the request, as bytes at first, and who sent it.
#ifndef VARSCOPE_SERVER_RPC_RECEIVED_REQUEST_H_
#define VARSCOPE_SERVER_RPC_RECEIVED_REQUEST_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/memory/idle_memory.h"
#include "proto/memory/memory_account.h"
#include "proto/wire/arena_message.h"
#include "proto/wire/retry_info.h"
#include "server/rpc/call_bytes.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/context.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::server {

// Counts as a call under way from Take on. Not thread-safe.
template <typename Request>
class ReceivedRequest {
 public:
  // For gRPC, until the request has come; the context until the call has ended.
  grpc::ServerContext& context() { return context_; }
  grpc::ByteBuffer& bytes() { return bytes_; }

  // Once, when it has come. Unavailable when the server is stopping, errors of CallerOf,
  // InvalidArgument for bytes that are no such request, ResourceExhausted without memory for it or
  // when what its caller has waiting is too much (IdleMemory).
  absl::Status Take(const ServiceContext& service) {
    call_.emplace(service.in_flight_calls);
    if (!call_->admitted().ok()) return call_->admitted();
    absl::StatusOr<Caller> caller = CallerOf<Request>(service, context_);
    if (!caller.ok()) return caller.status();
    caller_ = *std::move(caller);
    if (absl::Status status = Parse(); !status.ok()) return status;
    // A heartbeat of a few bytes gets through where there is room for them; whoever comes after it
    // is refused.
    held_ = MemoryAccount::Process().HoldAnyway(kCallBytes);
    return std::is_same_v<Request, v1::HeartbeatRequest> ? absl::OkStatus() : Wait();
  }

  // After that.
  const Request& message() const { return *message_; }
  const Caller& caller() const { return caller_; }

 private:
  // The call may wait for others, for the disk, or for its caller to read the answer.
  absl::Status Wait() {
    absl::StatusOr<IdleMemory::Hold> waiting =
        IdleMemory::Process().Count(caller_.holder(), kCallBytes + message_.bytes());
    if (!waiting.ok()) return Prefixed(Who(caller_), waiting.status());
    waiting_ = *std::move(waiting);
    return absl::OkStatus();
  }

  absl::Status Parse() {
    absl::Status status = absl::InternalError("the request is not readable");
    {
      std::vector<grpc::Slice> slices;
      if (bytes_.Dump(&slices).ok()) status = message_.Parse(slices);
    }
    // After the slices: gRPC 1.51 crashes when a slice outlives its buffer and is given back while
    // memory is short (ServiceLimits::buffered_bytes), because that is then no call into gRPC.
    bytes_.Clear();
    if (!absl::IsInvalidArgument(status)) return status;
    return absl::InvalidArgumentError(
        absl::StrCat("the request is no ", Request::descriptor()->full_name()));
  }

  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  wire::ArenaMessage<Request> message_;
  Caller caller_;
  MemoryAccount::Hold held_;  // kCallBytes
  IdleMemory::Hold waiting_;  // the same, and the message; not of a heartbeat
  std::optional<InFlightCalls::Call> call_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_RECEIVED_REQUEST_H_
