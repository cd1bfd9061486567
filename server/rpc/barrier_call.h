// A worker's wait at a barrier.
#ifndef VARSCOPE_SERVER_RPC_BARRIER_CALL_H_
#define VARSCOPE_SERVER_RPC_BARRIER_CALL_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "server/auth/caller.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::server {

// Holds a worker at a barrier without holding a thread. Lives as long as the worker waits or an
// operation is under way.
class BarrierCall final : public std::enable_shared_from_this<BarrierCall> {
 public:
  using Writer = grpc::ServerAsyncResponseWriter<v1::BarrierResponse>;
  // Asks gRPC for the next call.
  using Request = std::function<void(grpc::ServerContext* context, v1::BarrierRequest* request,
                                     Writer* writer, void* tag)>;

  // Serves every call that comes until the server stops.
  static void Accept(const ServiceContext& service, CallQueue& queue, const Request& request);

  BarrierCall(const ServiceContext& service, CallQueue& queue);

 private:
  void Arrive();
  // The call is over, perhaps because the worker no longer waits.
  void Ended();
  void Finish(const absl::StatusOr<uint64_t>& round);

  const ServiceContext& service_;
  const CallQueue::Hold hold_;
  grpc::ServerContext context_;
  v1::BarrierRequest request_;
  Caller caller_;  // once it has arrived
  Writer writer_;
  std::optional<InFlightCalls::Call> call_;  // from its arrival on
  std::atomic<bool> arrived_ = false;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> released_ = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_BARRIER_CALL_H_
