// What comes with a call over gRPC: the request, as bytes at first, and who sent it.
#ifndef VARSCOPE_SERVER_RPC_RECEIVED_REQUEST_H_
#define VARSCOPE_SERVER_RPC_RECEIVED_REQUEST_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/wire/arena_message.h"
#include "server/rpc/call_bytes.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/context.h"

namespace varscope::server {

// Counts as a call under way from Take on. Not thread-safe.
template <typename Request>
class ReceivedRequest {
 public:
  // For gRPC, until the request has come; the context until the call has ended.
  grpc::ServerContext& context() { return context_; }
  grpc::ByteBuffer& bytes() { return bytes_; }

  // Once, when it has come. Unavailable when the server is stopping, errors of CallerOf,
  // InvalidArgument for bytes that are no such request, as MemoryAccount::Refusal without memory
  // for it.
  absl::Status Take(const ServiceContext& service) {
    call_.emplace(service.in_flight_calls);
    if (!call_->admitted().ok()) return call_->admitted();
    absl::StatusOr<Caller> caller = CallerOf<Request>(service, context_);
    if (!caller.ok()) return caller.status();
    caller_ = *std::move(caller);
    absl::Status status = Parse();
    // A heartbeat of a few bytes gets through where there is room for them; whoever comes after it
    // is refused.
    if (status.ok()) held_ = MemoryAccount::Process().HoldAnyway(kCallBytes);
    return status;
  }

  // After that.
  const Request& message() const { return *message_; }
  const Caller& caller() const { return caller_; }

 private:
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
  std::optional<InFlightCalls::Call> call_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_RECEIVED_REQUEST_H_
