// The two tensor streams.
#ifndef VARSCOPE_SERVER_RPC_REACTORS_H_
#define VARSCOPE_SERVER_RPC_REACTORS_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <string>
#include <vector>

#include "proto/wire/frame.h"
#include "server/rpc/context.h"
#include "server/rpc/owned_reactor.h"

namespace varscope::server {

// Streams one consistent set of values, once its worker may read; the next frame is made when the
// last one is on its way, so gRPC's flow control holds back a slow reader's memory. Deletes itself.
class PullReactor final : public OwnedReactor<grpc::ServerWriteReactor<grpc::ByteBuffer>> {
 public:
  PullReactor(const ServiceContext& service, const grpc::ByteBuffer& request,
              grpc::CallbackServerContext* context);
  void OnWriteDone(bool ok) override;

 private:
  absl::Status Admit(const grpc::ByteBuffer& request);
  void Begin(const absl::Status& may_read);
  void WriteNext();

  std::optional<Stalls::Watch> watch_;  // first to go
  const ServiceContext& service_;
  grpc::CallbackServerContext* const context_;
  v1::PullRequest request_;
  std::vector<std::string> names_;  // of the request
  Pins::Pin pin_;
  std::optional<wire::FrameWriter> frames_;
  grpc::ByteBuffer frame_;
};

// Collects one push, applies it when it is whole and its turn has come, and answers when it is
// durable. Deletes itself.
class PushReactor final : public OwnedReactor<grpc::ServerReadReactor<grpc::ByteBuffer>> {
 public:
  PushReactor(const ServiceContext& service, grpc::CallbackServerContext* context,
              grpc::ByteBuffer* response);
  void OnReadDone(bool ok) override;

 private:
  absl::Status CheckHead(const v1::FrameHeader& head);
  absl::Status CheckWorker(const v1::PushHead& push);
  // The whole push, out of the reader.
  absl::StatusOr<Push> TakePush();
  void Applied(const absl::StatusOr<server::Applied>& applied);
  void Answer(const absl::Status& status);

  const ServiceContext& service_;
  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer* const response_;
  grpc::ByteBuffer frame_;
  Budget::Charge charge_;
  std::optional<Stalls::Watch> watch_;  // until the push is whole
  wire::FrameReader reader_;
  bool finished_ = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_REACTORS_H_
