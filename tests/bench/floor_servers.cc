// Bare gRPC servers that stream slices of one block.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "proto/wire/frame.h"
#include "server/rpc/call_queue.h"
#include "tests/bench/ceilings.h"

namespace varscope::bench {
namespace {

using server::CallQueue;

// What is left to send of the bytes that were asked for.
class Left {
 public:
  explicit Left(const std::vector<char>& block) : block_(block) {}

  bool none() const { return bytes_ == 0; }
  // False when the request is not 8 bytes, a size.
  bool Ask(const grpc::ByteBuffer& request) {
    grpc::Slice whole;
    if (!request.DumpToSingleSlice(&whole).ok() || whole.size() != sizeof(bytes_)) return false;
    std::memcpy(&bytes_, whole.begin(), sizeof(bytes_));
    return true;
  }
  grpc::ByteBuffer Next() {
    const uint64_t n = std::min<uint64_t>(bytes_, block_.size());
    bytes_ -= n;
    const grpc::Slice slice(block_.data(), n, grpc::Slice::STATIC_SLICE);
    return grpc::ByteBuffer(&slice, 1);
  }

 private:
  const std::vector<char>& block_;
  uint64_t bytes_ = 0;
};

const grpc::Status kBadRequest(grpc::StatusCode::INVALID_ARGUMENT, "8 bytes expected");

class Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Reactor(const std::vector<char>& block) : left_(block) { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    left_.Ask(message_) ? WriteNext() : Finish(kBadRequest);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    left_.none() ? StartRead(&message_) : WriteNext();
  }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    message_ = left_.Next();
    StartWrite(&message_);
  }
  Left left_;
  grpc::ByteBuffer message_;
};

class CallbackService final : public grpc::CallbackGenericService {
 public:
  explicit CallbackService(const std::vector<char>& block) : block_(block) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Reactor(block_);
  }

 private:
  const std::vector<char>& block_;
};

// The same as the server has its streams: see CallQueue.
class QueuedStream final : public std::enable_shared_from_this<QueuedStream> {
 public:
  static void Accept(grpc::AsyncGenericService& service, CallQueue& queue,
                     const std::vector<char>& block) {
    const auto next = std::make_shared<QueuedStream>(block);
    service.RequestCall(&next->context_, &next->stream_, queue.queue(), queue.queue(),
                        next->Tag([&service, &queue, &block, next](bool ok) {
                          if (!ok) return;
                          Accept(service, queue, block);
                          next->Read();
                        }));
  }
  explicit QueuedStream(const std::vector<char>& block) : stream_(&context_), left_(block) {}

 private:
  void* Tag(std::function<void(bool ok)> then) { return CallQueue::Tag(context_, std::move(then)); }
  void* Then(void (QueuedStream::*next)(bool ok)) {
    return Tag([self = shared_from_this(), next](bool ok) { ((*self).*next)(ok); });
  }
  void Read() { stream_.Read(&request_, Then(&QueuedStream::OnRead)); }
  void WriteNext() { stream_.Write(left_.Next(), Then(&QueuedStream::OnWritten)); }
  void OnRead(bool ok) {
    if (!ok) return Finish(grpc::Status::OK);
    left_.Ask(request_) ? WriteNext() : Finish(kBadRequest);
  }
  void OnWritten(bool ok) {
    if (!ok) return Finish(grpc::Status::OK);
    left_.none() ? Read() : WriteNext();
  }
  void Finish(const grpc::Status& status) {
    stream_.Finish(status, Tag([self = shared_from_this()](bool) {}));
  }

  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  grpc::ByteBuffer request_;
  Left left_;
};

}  // namespace

void ServeGrpcFloor(const std::string& unix_path, bool own_queue, int ready) {
  const std::vector<char> block(wire::kFrameBodyBytes, 'x');
  CallbackService callback(block);
  grpc::AsyncGenericService queued;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.AddListeningPort("unix:" + unix_path, grpc::InsecureServerCredentials());
  std::unique_ptr<CallQueue> queue;
  if (own_queue) {
    builder.RegisterAsyncGenericService(&queued);
    queue = std::make_unique<CallQueue>(builder.AddCompletionQueue(), 1);
  } else {
    builder.RegisterCallbackGenericService(&callback);
  }
  const auto server = builder.BuildAndStart();
  if (queue != nullptr) QueuedStream::Accept(queued, *queue, block);
  if (write(ready, &port, sizeof(port)) != sizeof(port)) throw std::runtime_error("no pipe");
  server->Wait();
}

}  // namespace varscope::bench
