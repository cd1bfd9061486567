#include "server/rpc/call_queue.h"

#include <grpcpp/alarm.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "proto/concurrency/blocking_region.h"
#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

constexpr std::chrono::seconds kLong(60);

class CallQueueTest : public ::testing::Test {
 protected:
  CallQueueTest() : queue_(std::make_unique<CallQueue>(builder_.AddCompletionQueue(), 1)) {
    builder_.RegisterAsyncGenericService(&calls_);
    server_ = builder_.BuildAndStart();
  }
  ~CallQueueTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  // `then` runs at once, on one of the queue's threads.
  static void Happen(CallQueue& queue, grpc::Alarm& alarm, std::function<void(bool)> then) {
    // Of no call: who has no memory for it ends the test.
    static auto* const none = new grpc::ServerContext;
    alarm.Set(queue.queue(), std::chrono::system_clock::now(),
              CallQueue::Tag(*none, std::move(then)));
  }

  // One call, over no network, that a test does with what it likes.
  struct Call {
    grpc::GenericServerContext context;
    grpc::GenericServerAsyncReaderWriter stream{&context};
  };
  // `then` is called with the next one.
  void Ask(const std::function<void(const std::shared_ptr<Call>&)>& then) {
    auto call = std::make_shared<Call>();
    calls_.RequestCall(&call->context, &call->stream, queue_->queue(), queue_->queue(),
                       CallQueue::Tag(call->context, [then, call](bool ok) {
                         if (ok) then(call);
                       }));
  }
  // Before its own deadline.
  static bool IsToldAtOnce(const grpc::Status& end) {
    return !end.ok() && end.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED;
  }
  // How a call ends.
  grpc::Status MakeCall() {
    grpc::GenericStub stub(server_->InProcessChannel({}));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kLong);
    grpc::CompletionQueue ended;
    const grpc::ByteBuffer request;
    const auto reader = stub.PrepareUnaryCall(&context, "/any/method", request, &ended);
    reader->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    reader->Finish(&answer, &status, this);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(ended.Next(&tag, &ok));
    return status;
  }

  grpc::AsyncGenericService calls_;

  grpc::ServerBuilder builder_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CallQueue> queue_;
};

TEST_F(CallQueueTest, OthersGoOnWhileOneWaits) {
  for (int i = 0; i < 100; ++i) {
    grpc::Alarm first;
    grpc::Alarm second;
    std::promise<void> other;
    std::promise<bool> done;
    Happen(*queue_, first, [&](bool ok) {
      const BlockingRegion waiting;
      Happen(*queue_, second, [&](bool) { other.set_value(); });
      done.set_value(ok && other.get_future().wait_for(kLong) == std::future_status::ready);
    });
    std::future<bool> well = done.get_future();
    ASSERT_EQ(well.wait_for(2 * kLong), std::future_status::ready);
    ASSERT_TRUE(well.get());
  }
}

TEST_F(CallQueueTest, ALockThatAnotherThreadHasHoldsNobodyElseUp) {
  constexpr int kWaiting = 8;
  Mutex mutex;
  MutexLock held(mutex);
  std::vector<grpc::Alarm> alarms(kWaiting + 1);
  std::vector<std::promise<void>> locked(kWaiting);
  for (int i = 0; i < kWaiting; ++i) {
    Happen(*queue_, alarms[i], [&, i](bool) {
      { const BlockingLock lock(mutex); }
      locked[i].set_value();
    });
  }
  std::promise<void> other;
  Happen(*queue_, alarms.back(), [&](bool) { other.set_value(); });
  EXPECT_EQ(other.get_future().wait_for(kLong), std::future_status::ready);
  held.unlock();
  for (std::promise<void>& one : locked) {
    EXPECT_EQ(one.get_future().wait_for(kLong), std::future_status::ready);
  }
}

// Whatever it was about to do: its caller does not wait for a deadline of his own.
TEST_F(CallQueueTest, ACallThatMeetsTheEndOfMemoryIsCancelled) {
  Ask([](const auto&) { throw std::bad_alloc(); });
  EXPECT_TRUE(IsToldAtOnce(MakeCall()));
  Ask([this](const std::shared_ptr<Call>& call) {
    queue_->Post(call->context, [call] { throw std::bad_alloc(); });
  });
  EXPECT_TRUE(IsToldAtOnce(MakeCall()));
  Ask([](const std::shared_ptr<Call>& call) {
    grpc::ByteBuffer answer;
    call->stream.WriteAndFinish(answer, {}, grpc::Status::OK,
                                CallQueue::Tag(call->context, [call](bool) {}));
  });
  EXPECT_TRUE(MakeCall().ok()) << "others go on";
}

// However many allocations fail after the first: what ends the call takes no memory.
TEST_F(CallQueueTest, ACallThatMeetsTheEndOfMemoryIsCancelledWithoutAny) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  for (uint64_t times = 1; times <= 4; ++times) {
    Ask([](const auto&) { throw std::bad_alloc(); });
    const testing::FailingMemoryOfOthers failing(0, times);
    EXPECT_TRUE(IsToldAtOnce(MakeCall()));
  }
  for (uint64_t times = 1; times <= 4; ++times) {
    Ask([this](const std::shared_ptr<Call>& call) {
      queue_->Post(call->context, [call] { call->context.TryCancel(); });
    });
    const testing::FailingMemoryOfOthers failing(0, times);
    EXPECT_TRUE(IsToldAtOnce(MakeCall()));
    EXPECT_TRUE(failing.failed());
  }
}

TEST_F(CallQueueTest, TheNextCallIsAskedForUntilThereIsMemory) {
  int asked = 0;
  CallQueue::UntilThereIsMemory([&] {
    if (++asked < 4) throw std::bad_alloc();
  });
  EXPECT_EQ(asked, 4);
}

TEST_F(CallQueueTest, TheEndWaitsForWhoeverMayBeginAnOperation) {
  server_->Shutdown(std::chrono::system_clock::now());
  CallQueue& queue = *queue_;
  auto hold = std::make_unique<CallQueue::Hold>(queue);
  std::promise<void> happened;
  grpc::Alarm alarm;
  std::future<void> ended = std::async(std::launch::async, [&] { queue_.reset(); });
  Happen(queue, alarm, [&](bool) { happened.set_value(); });
  ASSERT_EQ(happened.get_future().wait_for(kLong), std::future_status::ready);
  hold.reset();
  EXPECT_EQ(ended.wait_for(kLong), std::future_status::ready);
}

}  // namespace
}  // namespace varscope::server
