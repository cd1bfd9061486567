#include "server/rpc/call_queue.h"

#include <grpcpp/alarm.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "proto/concurrency/blocking_region.h"

namespace varscope::server {
namespace {

constexpr std::chrono::seconds kLong(60);

class CallQueueTest : public ::testing::Test {
 protected:
  CallQueueTest() : queue_(std::make_unique<CallQueue>(builder_.AddCompletionQueue(), 1)) {
    server_ = builder_.BuildAndStart();
  }
  ~CallQueueTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  // `then` runs at once, on one of the queue's threads.
  static void Happen(CallQueue& queue, grpc::Alarm& alarm, std::function<void(bool)> then) {
    alarm.Set(queue.queue(), std::chrono::system_clock::now(), CallQueue::Tag(std::move(then)));
  }

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
