// A worker's stream of requests over gRPC.
#ifndef VARSCOPE_SERVER_RPC_GRPC_STREAM_H_
#define VARSCOPE_SERVER_RPC_GRPC_STREAM_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_stream.h>

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "proto/concurrency/mutex.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/stream_request.h"

namespace varscope::server {

// Reads a request, runs it, writes the answer, and begins again. The next frame is made when the
// last one is on its way, so gRPC's flow control holds back a slow reader's memory. Between
// requests a stream may be idle for as long as it likes. Lives as long as an operation or a request
// of its own is under way, of which there is one at a time.
class GrpcStream final : public std::enable_shared_from_this<GrpcStream> {
 public:
  using Stream = grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;
  // Asks gRPC for the next stream.
  using Request = std::function<void(grpc::ServerContext* context, Stream* stream, void* tag)>;

  // Serves every stream that comes until the server stops.
  static void Accept(const ServiceContext& service, CallQueue& queue, const Request& request);

  GrpcStream(const ServiceContext& service, CallQueue& queue);

 private:
  enum class Phase { kRequest, kAnswer };

  // What gRPC calls when the operation has ended.
  void* Then(void (GrpcStream::*next)(bool ok));
  void Begin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Read() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(const grpc::ByteBuffer& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnFinished(bool ok);

  void StartIdleTimeout() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the request has come.
  bool ReadRequest(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadAcknowledgement(bool ok) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Ran();
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ServiceContext& service_;
  const CallQueue::Hold hold_;
  grpc::ServerContext context_;
  Stream stream_;
  // An operation may end on another thread before the call that began it has returned.
  Mutex mutex_;
  grpc::ByteBuffer frame_ ABSL_GUARDED_BY(mutex_);
  std::optional<StallDetector::IdleTimeout> idle_timeout_
      ABSL_GUARDED_BY(mutex_);  // while frames come or go
  Caller caller_ ABSL_GUARDED_BY(mutex_);
  StreamState state_ ABSL_GUARDED_BY(mutex_);
  std::optional<StreamRequest> request_ ABSL_GUARDED_BY(mutex_);
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kRequest;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_GRPC_STREAM_H_
