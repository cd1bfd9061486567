// A task on a thread of its own: when it runs, and when it does not run any more.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>

#include "server/env/env.h"

namespace varscope::server {
namespace {

constexpr Time kWhenWoken = kNever;

// What a task was asked to do, and how the next run is awaited.
class Runs {
 public:
  Time Run() {
    std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
    return next_;
  }
  void AnswerFromNowOn(Time next) {
    std::lock_guard lock(mutex_);
    next_ = next;
  }
  // Whether the task has run so often.
  bool Await(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return count_ >= count; });
  }
  int count() const {
    std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
  Time next_ = kWhenWoken;
};

TEST(TimerTest, RunsAtOnceAndThenWheneverItIsWoken) {
  Runs runs;
  const auto timer = SystemEnv().StartTimer("test", [&] { return runs.Run(); });
  for (int i = 1; i <= 100; ++i) {
    ASSERT_TRUE(runs.Await(i));
    timer->Wake();
  }
  EXPECT_TRUE(runs.Await(101));
}

// Also when what it waited for is in the past.
TEST(TimerTest, RunsAgainWhenItSaidThatItIsDue) {
  Runs runs;
  runs.AnswerFromNowOn(SystemEnv().Now() - std::chrono::hours(1));
  const auto timer = SystemEnv().StartTimer("test", [&] { return runs.Run(); });
  EXPECT_TRUE(runs.Await(10));
}

TEST(TimerTest, AWakeWhileTheTaskRunsIsNotLost) {
  std::promise<void> began;
  std::promise<void> go_on;
  std::promise<void> again;
  int count = 0;  // of the timer's thread
  const auto timer = SystemEnv().StartTimer("test", [&] {
    if (++count == 1) {
      began.set_value();
      go_on.get_future().wait();
    } else if (count == 2) {
      again.set_value();
    }
    return kWhenWoken;
  });
  began.get_future().wait();
  timer->Wake();
  go_on.set_value();
  EXPECT_EQ(again.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST(TimerTest, EarlierThanItSaidWhenWoken) {
  Runs runs;
  runs.AnswerFromNowOn(SystemEnv().Now() + std::chrono::hours(24));
  const auto timer = SystemEnv().StartTimer("test", [&] { return runs.Run(); });
  ASSERT_TRUE(runs.Await(1));
  timer->Wake();
  EXPECT_TRUE(runs.Await(2));
}

TEST(TimerTest, NothingRunsAfterStop) {
  for (int i = 0; i < 50; ++i) {
    Runs runs;
    runs.AnswerFromNowOn(Time::min());
    const auto timer = SystemEnv().StartTimer("test", [&] { return runs.Run(); });
    ASSERT_TRUE(runs.Await(1 + i % 3));
    timer->Stop();
    const int then = runs.count();
    timer->Wake();
    timer->Stop();  // again, which does nothing
    EXPECT_EQ(runs.count(), then);
  }
}

// Its end waits for the run that is under way.
TEST(TimerTest, StopWaitsForTheTask) {
  std::promise<void> began;
  std::atomic<bool> ended = false;
  std::promise<void> go_on;
  auto timer = SystemEnv().StartTimer("test", [&] {
    if (!ended) {
      began.set_value();
      go_on.get_future().wait();
      ended = true;
    }
    return kWhenWoken;
  });
  began.get_future().wait();
  std::future<void> stopped = std::async(std::launch::async, [&] { timer->Stop(); });
  EXPECT_FALSE(ended);
  go_on.set_value();
  EXPECT_EQ(stopped.wait_for(std::chrono::minutes(1)), std::future_status::ready);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace varscope::server
