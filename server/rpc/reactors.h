// The two tensor streams.
#ifndef VARSCOPE_SERVER_RPC_REACTORS_H_
#define VARSCOPE_SERVER_RPC_REACTORS_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>

#include "proto/wire/frame.h"
#include "server/rpc/owned_reactor.h"
#include "server/store/store.h"
#include "server/sync/durability.h"
#include "server/sync/workers.h"

namespace varscope::server {

// Streams one consistent set of values; the next frame is made when the last one is on its way, so
// gRPC's flow control holds back a slow reader's memory. Deletes itself.
class PullReactor final : public OwnedReactor<grpc::ServerWriteReactor<grpc::ByteBuffer>> {
 public:
  PullReactor(Calls& calls, const Store& store, const grpc::ByteBuffer& request);
  void OnWriteDone(bool ok) override;

 private:
  void WriteNext();

  std::optional<wire::FrameWriter> frames_;
  grpc::ByteBuffer frame_;
};

// Collects one push, applies it when it is whole, and answers when it is durable. Deletes itself.
class PushReactor final : public OwnedReactor<grpc::ServerReadReactor<grpc::ByteBuffer>> {
 public:
  PushReactor(Calls& calls, Store& store, const Workers& workers, Durability& durability,
              uint64_t max_bytes, grpc::CallbackServerContext* context, grpc::ByteBuffer* response);
  void OnReadDone(bool ok) override;

 private:
  absl::Status CheckHead(const v1::FrameHeader& head);
  absl::Status ApplyWhole();
  void Answer(const absl::Status& status);

  Store& store_;
  const Workers& workers_;
  Durability& durability_;
  const uint64_t max_bytes_;
  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer* const response_;
  grpc::ByteBuffer frame_;
  wire::FrameReader reader_;
  bool finished_ = false;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_REACTORS_H_
