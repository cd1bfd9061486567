#include "server/rpc/call_queue.h"

#include <grpcpp/alarm.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "server/limited_log.h"

namespace varscope::server {
namespace {

struct Operation {
  grpc::ServerContext* call;  // `then` keeps it
  std::function<void(bool ok)> then;
  // gRPC passes the operation from thread to thread; this shows ThreadSanitizer that it does.
  std::atomic<bool> begun = false;
};

}  // namespace

void CallQueue::EndWithoutMemory(grpc::ServerContext& call) noexcept {
  static constinit LimitedLog log;
  log.Warn("there is no memory to go on with a call, which ends");
  UntilThereIsMemory([&call] { call.TryCancel(); });  // gRPC takes some for it
}

CallQueue::Hold::Hold(CallQueue& queue) : queue_(queue) {
  MutexLock lock(queue_.mutex_);
  ++queue_.holds_;
}

CallQueue::Hold::~Hold() {
  MutexLock lock(queue_.mutex_);
  if (--queue_.holds_ == 0) queue_.none_.NotifyAll();
}

CallQueue::CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue, int leaders)
    : queue_(std::move(queue)), most_leaders_(leaders) {
  MutexLock lock(mutex_);
  for (int i = 0; i < leaders; ++i) AddThread();
}

bool CallQueue::runs() const {
  MutexLock lock(mutex_);
  return !threads_.empty();
}

void CallQueue::AddThread() noexcept {
  try {
    threads_.emplace_back([this] { Serve(); });
  } catch (const std::exception& error) {  // std::system_error, std::bad_alloc
    static constinit LimitedLog log;
    log.Warn("no thread for further calls, which wait: ", error.what());
  }
}

void CallQueue::BeginCompensatedBlock() noexcept {
  MutexLock lock(mutex_);
  --leaders_;
  if (followers_ >= most_leaders_ - leaders_) return wanted_.NotifyOne();
  if (threads_.size() < kMostThreads) AddThread();
}

void CallQueue::EndCompensatedBlock() noexcept {
  MutexLock lock(mutex_);
  ++leaders_;
}

CallQueue::~CallQueue() {
  {
    MutexLock lock(mutex_);
    while (!none_.WaitFor(mutex_, std::chrono::seconds(10),
                          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return holds_ == 0; })) {
      static constinit LimitedLog log;
      log.Warn("the stop waits for ", holds_, " calls that still wait for something");
    }
  }
  queue_->Shutdown();
  if (threads_.empty()) {
    Serve();
    BlockingRegion::SetPool(nullptr);
  }
  for (std::thread& thread : threads_) thread.join();
}

void* CallQueue::Tag(grpc::ServerContext& call, std::function<void(bool ok)> then) {
  auto operation = std::make_unique<Operation>();
  operation->call = &call;
  operation->then = std::move(then);
  operation->begun.store(true, std::memory_order_release);
  return operation.release();
}

void CallQueue::Begin(grpc::ServerContext& call, std::function<void(bool ok)> then,
                      absl::FunctionRef<void(void* tag)> begin) {
  OwnTag tag(Tag(call, std::move(then)));
  begin(tag.get());
  static_cast<void>(tag.release());  // gRPC gives it back
}

void CallQueue::PostOne(grpc::ServerContext& call, std::function<void()> then) {
  const auto alarm = std::make_shared<grpc::Alarm>();
  // Until the event has come, it has the alarm.
  Begin(
      call, [alarm, then = std::move(then)](bool) { then(); },
      [&](void* tag) { alarm->Set(queue_.get(), gpr_time_0(GPR_CLOCK_MONOTONIC), tag); });
}

void CallQueue::UntilThereIsMemory(absl::FunctionRef<void()> act) {
  constexpr std::chrono::milliseconds kPause{10};
  std::optional<BlockingRegion> aside;
  for (;;) {
    try {
      return act();
    } catch (const std::bad_alloc&) {
      if (!aside) aside.emplace();
      std::this_thread::sleep_for(kPause);
    }
  }
}

void CallQueue::Drop(void* tag) {
  const std::unique_ptr<Operation> dropped(static_cast<Operation*>(tag));
}

void CallQueue::Serve() {
  void* tag = nullptr;
  bool ok = false;
  BlockingRegion::SetPool(this);
  while (Follow()) {
    do {
      if (!queue_->Next(&tag, &ok)) return End();
      const std::unique_ptr<Operation> operation(static_cast<Operation*>(tag));
      if (!operation->begun.load(std::memory_order_acquire)) continue;
      try {
        operation->then(ok);
      } catch (const std::bad_alloc&) {
        EndWithoutMemory(*operation->call);
      }
    } while (!StepDown());
  }
}

bool CallQueue::Follow() {
  MutexLock lock(mutex_);
  ++followers_;
  wanted_.Wait(mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ended_ || leaders_ < most_leaders_;
  });
  --followers_;
  if (ended_) return false;
  ++leaders_;
  return true;
}

bool CallQueue::StepDown() {
  MutexLock lock(mutex_);
  if (leaders_ <= most_leaders_) return false;
  --leaders_;
  return true;
}

void CallQueue::End() {
  MutexLock lock(mutex_);
  ended_ = true;
  wanted_.NotifyAll();
}

}  // namespace varscope::server
