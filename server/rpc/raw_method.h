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

// Accepts the calls of one method, each a UnaryCall or a ListCall.
template <typename Call>
class CallAcceptor {
 public:
  using Ask = AskForCall<typename Call::Writer>;
  using Handler = typename Call::Handler;

  // Serves every call that comes until the server stops.
  static void Accept(const ServiceContext& service, CallQueue& queue, const Ask& ask,
                     const std::shared_ptr<const Handler>& handler) {
    CallQueue::UntilThereIsMemory([&] {
      const auto next = std::make_shared<Call>(service, queue, handler);
      CallQueue::OwnTag ended(next->Tag([next](bool) { next->Ended(); }));
      CallQueue::OwnTag came(
          next->Tag([&service, &queue, ask, handler, next, ended = ended.get()](bool ok) {
            if (!ok) return CallQueue::Drop(ended);
            Accept(service, queue, ask, handler);
            next->Run();
          }));
      next->received_.context().AsyncNotifyWhenDone(ended.get());
      ask(&next->received_.context(), &next->received_.bytes(), &next->writer_, came.get());
      // gRPC gives them back.
      static_cast<void>(ended.release());
      static_cast<void>(came.release());
    });
  }
};

// Serves a method of `service` in `queue` until the server stops: `ask` is the function that gRPC
// generates for it as a raw method, `Call` a UnaryCall or a ListCall.
template <typename Call, typename Service, typename RawService>
void Serve(Service& service,
           void (RawService::*ask)(grpc::ServerContext*, grpc::ByteBuffer*, typename Call::Writer*,
                                   grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*),
           const ServiceContext& context, CallQueue& queue, typename Call::Handler handler) {
  CallAcceptor<Call>::Accept(
      context, queue,
      [&service, ask, calls = queue.queue()](grpc::ServerContext* call, grpc::ByteBuffer* request,
                                             typename Call::Writer* writer, void* tag) {
        (service.*ask)(call, request, writer, calls, calls, tag);
      },
      std::make_shared<const typename Call::Handler>(std::move(handler)));
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_RAW_METHOD_H_
