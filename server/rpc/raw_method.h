// Methods whose messages are bytes for gRPC, so that the memory that they take here is counted.
#ifndef VARSCOPE_SERVER_RPC_RAW_METHOD_H_
#define VARSCOPE_SERVER_RPC_RAW_METHOD_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <functional>
#include <memory>
#include <utility>

#include "server/rpc/call_queue.h"
#include "server/rpc/context.h"

namespace varscope::server {

template <typename Message>
grpc::ByteBuffer ToBytes(const Message& message) {
  grpc::ByteBuffer bytes;
  bool own = false;
  grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(message, &bytes, &own);
  return bytes;
}

// Asks gRPC for the next call of a method, which it then brings with the tag.
template <typename Writer>
using AskForCall =
    std::function<void(grpc::ServerContext*, grpc::ByteBuffer* request, Writer*, void* tag)>;

// Serves a method of `service` in `queue` until the server stops: `ask` is the function that gRPC
// generates for it as a raw method, `Call` a UnaryCall or a ListCall.
template <typename Call, typename Service, typename RawService>
void Serve(Service& service,
           void (RawService::*ask)(grpc::ServerContext*, grpc::ByteBuffer*, typename Call::Writer*,
                                   grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*),
           const ServiceContext& context, CallQueue& queue, typename Call::Handler handler) {
  Call::Accept(
      context, queue,
      [&service, ask, calls = queue.queue()](grpc::ServerContext* call, grpc::ByteBuffer* request,
                                             typename Call::Writer* writer, void* tag) {
        (service.*ask)(call, request, writer, calls, calls, tag);
      },
      std::make_shared<const typename Call::Handler>(std::move(handler)));
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_RAW_METHOD_H_
