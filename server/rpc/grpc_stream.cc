#include "server/rpc/grpc_stream.h"

#include <new>
#include <utility>

#include "absl/status/status.h"
#include "proto/concurrency/blocking_region.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/status.h"

namespace varscope::server {
namespace {

// Whose Run this thread is in.
thread_local const GrpcStream* runs_here = nullptr;

class RunsHere {
 public:
  explicit RunsHere(const GrpcStream* stream) : outer_(std::exchange(runs_here, stream)) {}
  ~RunsHere() { runs_here = outer_; }
  RunsHere(const RunsHere&) = delete;
  RunsHere& operator=(const RunsHere&) = delete;

 private:
  const GrpcStream* const outer_;
};

}  // namespace

void GrpcStream::Accept(const ServiceContext& service, CallQueue& queue, const Request& request) {
  CallQueue::UntilThereIsMemory([&] {
    const auto next = std::make_shared<GrpcStream>(service, queue);
    CallQueue::Begin(
        next->context_,
        [&service, &queue, request, next](bool ok) {
          if (!ok) return;
          Accept(service, queue, request);
          next->Begin();
        },
        [&](void* tag) { request(&next->context_, &next->stream_, tag); });
  });
}

GrpcStream::GrpcStream(const ServiceContext& service, CallQueue& queue)
    : service_(service), queue_(queue), hold_(queue), stream_(&context_) {}

void GrpcStream::BeginThen(void (GrpcStream::*next)(bool ok),
                           absl::FunctionRef<void(void* tag)> begin) {
  CallQueue::Begin(
      context_, [self = shared_from_this(), next](bool ok) { ((*self).*next)(ok); }, begin);
}

void GrpcStream::Begin() {
  MutexLock lock(mutex_);
  absl::StatusOr<Caller> caller = CallerOf<v1::TensorFrame>(service_, context_);
  if (!caller.ok()) return Finish(caller.status());
  absl::StatusOr<StreamPlaces::Place> place = service_.stream_places.Take(*caller);
  if (!place.ok()) return Finish(place.status());
  place_ = *std::move(place);
  loop_.emplace(service_, *std::move(caller), wire::kFrameBodyBytes,
                [this] { context_.TryCancel(); });
  Do(RequestLoop::Next::kRead);
}

void GrpcStream::Do(RequestLoop::Next next) {
  switch (next) {
    case RequestLoop::Next::kRead:
      return BeginThen(&GrpcStream::OnRead, [this](void* tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                                                mutex_) { stream_.Read(&read_, tag); });
    case RequestLoop::Next::kWrite:
      return BeginThen(&GrpcStream::OnWritten, [this](void* tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                                                   mutex_) { stream_.Write(loop_->frame(), tag); });
    case RequestLoop::Next::kRun:
      return;  // OnRead's
    case RequestLoop::Next::kEnd:
      return Finish(loop_->end());
  }
}

void GrpcStream::OnRead(bool ok) {
  MutexLock lock(mutex_);
  std::optional<BlockingRegion> aside;
  if (ok && loop_->ReceivingTakesLong(read_)) aside.emplace();
  const RequestLoop::Next next = ok ? loop_->Received(read_) : loop_->Ended(absl::OkStatus());
  if (next != RequestLoop::Next::kRun) return Do(next);
  if (!aside && loop_->takes_long()) aside.emplace();
  // From here on this belongs to whoever ends the run.
  RequestLoop& loop = *loop_;
  lock.unlock();
  const RunsHere here(this);
  loop.Run([self = shared_from_this()] { self->EndRun(); });
}

// Whoever ends it has others to tell: the log's thread, or the last worker of a step.
void GrpcStream::EndRun() noexcept {
  if (runs_here != this) {
    return queue_.Post(context_, [self = shared_from_this()] { self->OnRan(); });
  }
  try {
    OnRan();
  } catch (const std::bad_alloc&) {
    CallQueue::EndWithoutMemory(context_);
  }
}

void GrpcStream::OnRan() {
  MutexLock lock(mutex_);
  std::optional<BlockingRegion> aside;
  if (loop_->takes_long()) aside.emplace();
  Do(loop_->Ran());
}

void GrpcStream::OnWritten(bool ok) {
  MutexLock lock(mutex_);
  Do(ok ? loop_->Written() : loop_->Ended(absl::CancelledError("the worker stopped reading")));
}

void GrpcStream::Finish(const absl::Status& status) {
  const grpc::Status end = ToGrpc(status, context_);
  BeginThen(&GrpcStream::OnFinished, [&](void* tag) { stream_.Finish(end, tag); });
}

void GrpcStream::OnFinished(bool) { MutexLock lock(mutex_); }

}  // namespace varscope::server
