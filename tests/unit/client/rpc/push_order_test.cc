// Which pushes of one worker go together, and their numbers.
#include "client/rpc/push_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "proto/wire/push_window.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

const Clock::time_point kAtOnce = Clock::time_point::min();
Clock::time_point Late() { return Clock::now() + std::chrono::minutes(1); }

using Ticket = PushOrder::Ticket;

TEST(PushOrderTest, NumbersCountFromOneAndEachIncarnationHasItsOwn) {
  PushOrder order("late");
  Ticket ticket(order, {}, kAtOnce);
  EXPECT_EQ(ticket.NumberFor(7), 1U);
  EXPECT_EQ(ticket.NumberFor(7), 1U) << "it is sent again";
  EXPECT_EQ(ticket.NumberFor(8), 2U);
  EXPECT_EQ(Ticket(order, {}, kAtOnce).NumberFor(8), 3U);
}

TEST(PushOrderTest, OneLaneIsOnePushAtATime) {
  PushOrder order("late");
  std::optional<Ticket> first;
  first.emplace(order, PushOrder::Lanes{"a", "b"}, kAtOnce);
  EXPECT_THROW(Ticket(order, {"b", "c"}, kAtOnce), DeadlineExceededError);
  EXPECT_THROW(Ticket(order, {"a"}, kAtOnce), DeadlineExceededError);
  // The one that did not begin holds nothing.
  EXPECT_NO_THROW(Ticket(order, {"c"}, kAtOnce));
  EXPECT_NO_THROW(Ticket(order, {}, kAtOnce));
  std::future<void> second = std::async(std::launch::async, [&] {
    Ticket(order, {"b", "c"}, Late());
  });
  first.reset();
  EXPECT_NO_THROW(second.get());
}

TEST(PushOrderTest, NoPushIsAWindowAheadOfOneThatIsUnderWay) {
  PushOrder order("late");
  std::optional<Ticket> oldest;
  oldest.emplace(order, PushOrder::Lanes(), kAtOnce);
  ASSERT_EQ(oldest->NumberFor(1), 1U);
  std::deque<Ticket> others;
  for (uint64_t number = 2; number <= kPushWindow; ++number) {
    ASSERT_EQ(others.emplace_back(order, PushOrder::Lanes(), kAtOnce).NumberFor(1), number);
  }
  others.clear();
  EXPECT_THROW(Ticket(order, {}, kAtOnce).NumberFor(1), DeadlineExceededError)
      << "the server would have dropped the oldest's record";
  std::future<uint64_t> waits =
      std::async(std::launch::async, [&] { return Ticket(order, {}, Late()).NumberFor(1); });
  oldest.reset();
  EXPECT_EQ(waits.get(), kPushWindow + 1);
}

// Many threads with random lanes: no two with one lane, none a window apart, every number once.
TEST(PushOrderTest, HoldsForManyThreads) {
  PushOrder order("late");
  std::mutex mutex;
  std::set<std::string> lanes;  // of those between their beginning and their end
  std::set<uint64_t> under_way;
  std::set<uint64_t> numbers;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 300; ++i) {
        const std::string lane(1, static_cast<char>('a' + random() % 4));
        Ticket ticket(order, {lane}, Late());
        {
          const std::lock_guard lock(mutex);
          ASSERT_TRUE(lanes.insert(lane).second) << lane;
        }
        const uint64_t number = ticket.NumberFor(1);
        {
          const std::lock_guard lock(mutex);
          ASSERT_TRUE(numbers.insert(number).second) << number;
          under_way.insert(number);
          ASSERT_LT(number - std::min(number, *under_way.begin()), kPushWindow);
        }
        {
          const std::lock_guard lock(mutex);
          under_way.erase(number);
          lanes.erase(lane);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(numbers.size(), 6U * 300U);
  EXPECT_EQ(*numbers.rbegin(), 6U * 300U);
}

}  // namespace
}  // namespace varscope::internal
