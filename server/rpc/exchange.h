// The stream of turns over gRPC.
#ifndef VARSCOPE_SERVER_RPC_EXCHANGE_H_
#define VARSCOPE_SERVER_RPC_EXCHANGE_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_stream.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"
#include "server/rpc/turn.h"

namespace varscope::server {

// Reads a request, runs it, writes the answer, and begins again. The next frame is made when the
// last one is on its way, so gRPC's flow control holds back a slow reader's memory. Between turns a
// stream may be idle for as long as it likes. Lives as long as an operation or a turn of its own is
// under way, of which there is one at a time.
class Exchange final : public std::enable_shared_from_this<Exchange> {
 public:
  using Stream = grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;
  // Asks gRPC for the next stream.
  using Request = std::function<void(grpc::ServerContext* context, Stream* stream, void* tag)>;

  // Serves every stream that comes until the server stops.
  static void Accept(const ServiceContext& service, CallQueue& queue, const Request& request);

  Exchange(const ServiceContext& service, CallQueue& queue);

 private:
  enum class Phase { kRequest, kAnswer };

  // What gRPC calls when the operation has ended.
  void* Then(void (Exchange::*next)(bool ok));
  void Begin();
  void Read();
  void Write(grpc::ByteBuffer frame);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnFinished(bool ok);

  void Watch();
  // Whether the request has come.
  bool ReadRequest(bool ok);
  void ReadAcknowledgement(bool ok);
  void Ran();
  void WriteNext();
  void End(const absl::Status& status);

  const ServiceContext& service_;
  const CallQueue::Hold hold_;
  grpc::ServerContext context_;
  Stream stream_;
  // An operation may end on another thread before the call that began it has returned.
  std::mutex mutex_;
  grpc::ByteBuffer frame_;
  std::optional<Stalls::Watch> watch_;  // while frames come or go
  Caller caller_;
  StreamState state_;
  std::optional<Turn> turn_;
  Phase phase_ = Phase::kRequest;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_EXCHANGE_H_
