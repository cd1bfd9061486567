#include "client/rpc/raw_call.h"

namespace varscope::internal {

RawCall::RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                 grpc::ClientContext& context)
    : context_(context), stub_(channel) {
  stream_ = stub_.PrepareCall(&context_, method, &queue_);
  stream_->StartCall(this);
  Wait();
}

RawCall::~RawCall() {
  if (!finished_) {
    Cancel();
    Finish();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool RawCall::Wait() {
  void* tag = nullptr;
  bool ok = false;
  return queue_.Next(&tag, &ok) && ok;
}

bool RawCall::Write(const grpc::ByteBuffer& message, bool last) {
  grpc::WriteOptions options;
  if (last) options.set_last_message();
  stream_->Write(message, options, this);
  return Wait();
}

bool RawCall::WritesDone() {
  stream_->WritesDone(this);
  return Wait();
}

bool RawCall::Read(grpc::ByteBuffer* message) {
  stream_->Read(message, this);
  return Wait();
}

grpc::Status RawCall::Finish() {
  grpc::Status status;
  stream_->Finish(&status, this);
  Wait();
  finished_ = true;
  return status;
}

}  // namespace varscope::internal
