// A worker's stream of requests over gRPC.
#ifndef VARSCOPE_SERVER_RPC_GRPC_STREAM_H_
#define VARSCOPE_SERVER_RPC_GRPC_STREAM_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_stream.h>

#include <functional>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "proto/concurrency/mutex.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/request_loop.h"

namespace varscope::server {

// Does what its RequestLoop says, one operation at a time. The next frame is made when the last one
// is on its way, so gRPC's flow control holds back a slow reader's memory. Lives as long as an
// operation or a request of its own is under way.
class GrpcStream final : public std::enable_shared_from_this<GrpcStream> {
 public:
  using Stream = grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;
  // Asks gRPC for the next stream.
  using Request = std::function<void(grpc::ServerContext* context, Stream* stream, void* tag)>;

  // Serves every stream that comes until the server stops.
  static void Accept(const ServiceContext& service, CallQueue& queue, const Request& request);

  GrpcStream(const ServiceContext& service, CallQueue& queue);

 private:
  // Begins an operation of gRPC's, which calls `next` when it has ended.
  void BeginThen(void (GrpcStream::*next)(bool ok), absl::FunctionRef<void(void* tag)> begin);
  void Begin();
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void EndRun() noexcept;
  void OnRan();
  void OnFinished(bool ok);
  void Do(RequestLoop::Next next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Finish(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ServiceContext& service_;
  CallQueue& queue_;
  const CallQueue::Hold hold_;
  StreamPlaces::Place place_;  // from Begin on
  grpc::ServerContext context_;
  Stream stream_;
  // An operation may end on another thread before the call that began it has returned.
  Mutex mutex_;
  grpc::ByteBuffer read_ ABSL_GUARDED_BY(mutex_);
  std::optional<RequestLoop> loop_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_GRPC_STREAM_H_
