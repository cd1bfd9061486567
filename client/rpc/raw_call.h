// One streaming call of raw byte buffers, used from one thread, that always ends by its deadline.
#ifndef VARSCOPE_CLIENT_RPC_RAW_CALL_H_
#define VARSCOPE_CLIENT_RPC_RAW_CALL_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace varscope::internal {

// Not thread-safe. Destroying an unfinished call cancels it.
class RawCall {
 public:
  // `context` has the deadline; it must outlive the call.
  RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
          grpc::ClientContext& context);
  ~RawCall();
  RawCall(const RawCall&) = delete;
  RawCall& operator=(const RawCall&) = delete;

  // False when the call has ended; Finish says why.
  bool Write(const grpc::ByteBuffer& message, bool last);
  bool WritesDone();
  // False after the last message.
  bool Read(grpc::ByteBuffer* message);
  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish();

 private:
  // Waits for the one operation under way.
  bool Wait();

  grpc::ClientContext& context_;
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  bool finished_ = false;
};

template <typename Message>
grpc::ByteBuffer SerializeMessage(const Message& message) {
  grpc::ByteBuffer buffer;
  bool own = false;
  grpc::SerializationTraits<Message>::Serialize(message, &buffer, &own);
  return buffer;
}

template <typename Message>
bool ParseMessage(grpc::ByteBuffer& buffer, Message* message) {
  return grpc::SerializationTraits<Message>::Deserialize(&buffer, message).ok();
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_RAW_CALL_H_
