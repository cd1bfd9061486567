#include "server/rpc/grpc_stream.h"

#include <utility>

#include "absl/status/status.h"
#include "proto/concurrency/blocking_region.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/status.h"

namespace varscope::server {

void GrpcStream::Accept(const ServiceContext& service, CallQueue& queue, const Request& request) {
  const auto next = std::make_shared<GrpcStream>(service, queue);
  request(&next->context_, &next->stream_,
          CallQueue::Tag([&service, &queue, request, next](bool ok) {
            if (!ok) return;
            Accept(service, queue, request);
            MutexLock lock(next->mutex_);
            next->Begin();
          }));
}

GrpcStream::GrpcStream(const ServiceContext& service, CallQueue& queue)
    : service_(service), hold_(queue), stream_(&context_) {}

void* GrpcStream::Then(void (GrpcStream::*next)(bool ok)) {
  return CallQueue::Tag([self = shared_from_this(), next](bool ok) { ((*self).*next)(ok); });
}

void GrpcStream::Begin() {
  absl::StatusOr<Caller> caller = CallerOf<v1::TensorFrame>(service_, context_);
  if (!caller.ok()) return End(caller.status());
  caller_ = *std::move(caller);
  Read();
}

void GrpcStream::Read() { stream_.Read(&frame_, Then(&GrpcStream::OnRead)); }

void GrpcStream::Write(const grpc::ByteBuffer& frame) {
  frame_ = frame;
  stream_.Write(frame_, Then(&GrpcStream::OnWritten));
}

void GrpcStream::StartIdleTimeout() {
  idle_timeout_.emplace(service_.stall_detector, [this] { context_.TryCancel(); });
}

void GrpcStream::OnRead(bool ok) {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kAnswer) return ReadAcknowledgement(ok);
  if (!ReadRequest(ok)) return;
  std::optional<BlockingRegion> aside;
  if (request_->takes_long()) aside.emplace();
  // From here on this belongs to whoever ends the run.
  StreamRequest& request = *request_;
  lock.unlock();
  request.Run([self = shared_from_this()] { self->Ran(); });
}

bool GrpcStream::ReadRequest(bool ok) {
  if (!ok) {
    End(request_ ? request_->CutShort() : absl::OkStatus());
    return false;
  }
  if (!request_) {
    // One that the last answer no longer needed.
    if (wire::DecodeAcknowledgement(frame_)) {
      Read();
      return false;
    }
    request_.emplace(service_, caller_, state_);
    StartIdleTimeout();
  }
  idle_timeout_->Progress();
  if (absl::Status status = request_->Add(frame_); !status.ok()) {
    End(status);
  } else if (request_->complete()) {
    idle_timeout_.reset();
    return true;
  } else if (const std::optional<uint64_t> due = request_->DueAcknowledgement()) {
    Write(wire::EncodeAcknowledgement(*due));
  } else {
    Read();
  }
  return false;
}

void GrpcStream::ReadAcknowledgement(bool ok) {
  if (!ok) return End(absl::CancelledError("the worker stopped reading"));
  idle_timeout_->Progress();
  const std::optional<uint64_t> received = wire::DecodeAcknowledgement(frame_);
  if (!received) {
    return End(absl::InvalidArgumentError("a request begins before its worker has the answer"));
  }
  request_->Acknowledged(*received);
  WriteNext();
}

void GrpcStream::Ran() {
  MutexLock lock(mutex_);
  phase_ = Phase::kAnswer;
  StartIdleTimeout();
  WriteNext();
}

void GrpcStream::WriteNext() {
  if (request_->must_wait()) return Read();
  if (std::optional<grpc::ByteBuffer> next = request_->NextFrame()) return Write(*next);
  idle_timeout_.reset();
  request_.reset();
  phase_ = Phase::kRequest;
  Read();
}

void GrpcStream::OnWritten(bool ok) {
  MutexLock lock(mutex_);
  idle_timeout_->Progress();
  // An idle stream would keep the block that it sent last.
  frame_.Clear();
  if (!ok) return End(absl::CancelledError("the worker stopped reading"));
  if (phase_ == Phase::kRequest) return Read();
  WriteNext();
}

void GrpcStream::End(const absl::Status& status) {
  idle_timeout_.reset();
  stream_.Finish(ToGrpc(status, context_), Then(&GrpcStream::OnFinished));
}

void GrpcStream::OnFinished(bool) { MutexLock lock(mutex_); }

}  // namespace varscope::server
