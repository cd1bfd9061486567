// Which pushes of one worker go together, and their numbers.
#include "client/rpc/push_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/wire/push_window.h"

namespace varscope::internal {
namespace {

const Clock::time_point kAtOnce = Clock::time_point::min();
Clock::time_point Late() { return Clock::now() + std::chrono::minutes(1); }

TEST(PushOrderTest, NumbersCountFromOneAndEachAttemptHasItsOwn) {
  PushOrder order;
  std::optional<PushOrder::Ticket> ticket = order.Begin({}, kAtOnce);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(ticket->Number(kAtOnce), 1U);
  EXPECT_EQ(ticket->Number(kAtOnce), 2U);
  EXPECT_EQ(order.Begin({}, kAtOnce)->Number(kAtOnce), 3U);
}

TEST(PushOrderTest, OneLaneIsOnePushAtATime) {
  PushOrder order;
  std::optional<PushOrder::Ticket> first = order.Begin({"a", "b"}, kAtOnce);
  ASSERT_TRUE(first);
  EXPECT_FALSE(order.Begin({"b", "c"}, kAtOnce));
  EXPECT_FALSE(order.Begin({"a"}, kAtOnce));
  // The one that did not begin holds nothing.
  EXPECT_TRUE(order.Begin({"c"}, kAtOnce));
  EXPECT_TRUE(order.Begin({}, kAtOnce));
  std::future<bool> second = std::async(std::launch::async, [&] {
    return order.Begin({"b", "c"}, Late()).has_value();
  });
  first.reset();
  EXPECT_TRUE(second.get());
}

TEST(PushOrderTest, NoPushIsAWindowAheadOfOneThatIsUnderWay) {
  PushOrder order;
  std::optional<PushOrder::Ticket> oldest = order.Begin({}, kAtOnce);
  ASSERT_EQ(oldest->Number(kAtOnce), 1U);
  std::vector<PushOrder::Ticket> others;
  for (uint64_t number = 2; number <= kPushWindow; ++number) {
    others.push_back(*order.Begin({}, kAtOnce));
    ASSERT_EQ(others.back().Number(kAtOnce), number);
  }
  others.clear();
  PushOrder::Ticket beyond = *order.Begin({}, kAtOnce);
  EXPECT_FALSE(beyond.Number(kAtOnce)) << "the server would have dropped the oldest's record";
  std::future<std::optional<uint64_t>> waits =
      std::async(std::launch::async, [&] { return beyond.Number(Late()); });
  oldest.reset();
  EXPECT_EQ(waits.get(), kPushWindow + 1);
}

TEST(PushOrderTest, ATicketThatMovesEndsOnce) {
  PushOrder order;
  PushOrder::Ticket first = *order.Begin({"a"}, kAtOnce);
  {
    PushOrder::Ticket moved = std::move(first);
    EXPECT_FALSE(order.Begin({"a"}, kAtOnce));
  }
  EXPECT_TRUE(order.Begin({"a"}, kAtOnce));
}

// Many threads with random lanes: no two with one lane, none a window apart, every number once.
TEST(PushOrderTest, HoldsForManyThreads) {
  PushOrder order;
  std::mutex mutex;
  std::set<std::string> lanes;  // of those between Begin and their end
  std::set<uint64_t> under_way;
  std::set<uint64_t> numbers;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 300; ++i) {
        const std::string lane(1, static_cast<char>('a' + random() % 4));
        std::optional<PushOrder::Ticket> ticket = order.Begin({lane}, Late());
        ASSERT_TRUE(ticket);
        {
          const std::lock_guard lock(mutex);
          ASSERT_TRUE(lanes.insert(lane).second) << lane;
        }
        const std::optional<uint64_t> number = ticket->Number(Late());
        ASSERT_TRUE(number);
        {
          const std::lock_guard lock(mutex);
          ASSERT_TRUE(numbers.insert(*number).second) << *number;
          under_way.insert(*number);
          ASSERT_LT(*number - std::min(*number, *under_way.begin()), kPushWindow);
        }
        {
          const std::lock_guard lock(mutex);
          under_way.erase(*number);
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
