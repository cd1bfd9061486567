// The stream of turns over gRPC.
#ifndef VARSCOPE_SERVER_RPC_EXCHANGE_H_
#define VARSCOPE_SERVER_RPC_EXCHANGE_H_

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <optional>

#include "server/rpc/context.h"
#include "server/rpc/turn.h"

namespace varscope::server {

// Reads a request, runs it, writes the answer, and begins again. The next frame is made when the
// last one is on its way, so gRPC's flow control holds back a slow reader's memory. Between turns a
// stream may be idle for as long as it likes. Deletes itself.
class ExchangeReactor final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  ExchangeReactor(const ServiceContext& service, grpc::CallbackServerContext* context);
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  enum class Phase { kRequest, kAnswer };

  void Watch();
  // Whether the request has come.
  bool ReadRequest(bool ok);
  void ReadAcknowledgement(bool ok);
  void Ran(const absl::Status& status);
  void WriteNext();
  void End(const absl::Status& status);

  const ServiceContext& service_;
  grpc::CallbackServerContext* const context_;
  // gRPC calls back once at a time, on any thread. Held by each, so that this order does not rest
  // on gRPC alone.
  std::mutex mutex_;
  grpc::ByteBuffer frame_;
  std::optional<Stalls::Watch> watch_;  // while frames come or go
  LastPull last_pull_;
  std::optional<Turn> turn_;
  Phase phase_ = Phase::kRequest;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_EXCHANGE_H_
