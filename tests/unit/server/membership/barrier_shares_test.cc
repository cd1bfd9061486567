// How much of a server's barriers, names and memory a worker may have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "server/membership/barrier.h"

namespace varscope::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

using Answer = absl::StatusOr<uint64_t>;

std::future<Answer> Arrive(Barriers& barriers, const Arrival& arrival,
                           const std::string& name = "b") {
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> future = promise->get_future();
  barriers.Arrive(name, arrival, [promise](Answer round) { promise->set_value(round); });
  return future;
}

// A worker's arrival with a number, of two parties.
Arrival Of(const std::string& worker, uint64_t sequence) {
  return {.worker_id = worker,
          .incarnation = 1,
          .sequence = sequence,
          .parties = 2,
          .timeout = std::chrono::minutes(1)};
}

bool IsReady(const std::future<Answer>& answer) {
  return answer.wait_for(milliseconds(0)) == std::future_status::ready;
}

TEST(BarrierSharesTest, NamesAreForgottenWhenNobodyNeedsThem) {
  Barriers barriers;
  uint64_t sequence = 0;
  for (size_t i = 0; i < Barriers::kMostNames + 100; ++i) {
    Arrival alone = Of("a", ++sequence);
    alone.parties = 1;
    ASSERT_TRUE(Arrive(barriers, alone, "name" + std::to_string(i)).get().ok());
  }
  // As many as it leaves to others.
  EXPECT_EQ(barriers.names(), (Barriers::kMostNames - Barriers::kKeptNames) / 2);
  barriers.WorkerLost("a", 1);
  EXPECT_EQ(barriers.names(), 0U);
  Arrival short_of_time = Of("a", ++sequence);
  short_of_time.incarnation = 2;
  short_of_time.timeout = milliseconds(1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Arrive(barriers, short_of_time).get().status()));
  EXPECT_EQ(barriers.names(), 0U);
}

TEST(BarrierSharesTest, ThereIsALimitOfNamesWhereSomebodyWaits) {
  Barriers barriers;
  std::vector<std::future<Answer>> waiting;
  for (size_t i = 0; i < Barriers::kMostNames; ++i) {
    const std::string worker = "a" + std::to_string(i);
    waiting.push_back(Arrive(barriers, Of(worker, i + 1), "name" + std::to_string(i)));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(Arrive(barriers, Of("b", 1)).get().status()));
  EXPECT_TRUE(Arrive(barriers, Of("b", 2), "name7").get().ok());
}

// Wherever they wait, and as often as they come.
TEST(BarrierSharesTest, AFewWorkersLeaveNamesToOthers) {
  for (const int few : {1, 17, 60}) {
    Barriers barriers;
    std::vector<std::future<Answer>> waiting;
    for (int worker = 0; worker < few; ++worker) {
      for (int i = 1; i <= 260; ++i) {
        waiting.push_back(Arrive(barriers, Of(absl::StrCat("greedy", worker), i),
                                 absl::StrCat("name", worker, "-", i)));
      }
    }
    EXPECT_LE(barriers.names(), Barriers::kMostNames - Barriers::kKeptNames + few);
    for (uint64_t i = 1; i <= 50; ++i) {
      const std::string worker = absl::StrCat("modest", i);
      Arrival alone = Of(worker, 1);
      alone.parties = 1;
      const Answer passed = Arrive(barriers, alone, absl::StrCat("epoch", i)).get();
      EXPECT_TRUE(passed.ok()) << passed.status();
    }
  }
}

// What is known of a round between two of its barriers decides who is waited for.
TEST(BarrierSharesTest, NamesOfOneWorkerForgetNobodyElses) {
  Barriers barriers;
  auto a = Arrive(barriers, Of("a", 1));
  ASSERT_TRUE(Arrive(barriers, Of("b", 1)).get().ok());
  uint64_t sequence = 0;
  for (size_t i = 0; i < 2 * Barriers::kMostNames; ++i) {
    Arrival alone = Of("greedy", ++sequence);
    alone.parties = 1;
    ASSERT_TRUE(Arrive(barriers, alone, absl::StrCat("name", i)).get().ok());
  }
  barriers.WorkerLost("b", 1);
  EXPECT_EQ(Arrive(barriers, Of("a", 2)).get().value(), 2U) << "b is not waited for";
}

TEST(BarrierSharesTest, AFewWorkersWhoWaitLeaveMemoryToOthers) {
  MemoryAccount& memory = MemoryAccount::Process();
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  memory.SetLimit(before + (uint64_t{4} << 20));
  {
    Barriers barriers;
    std::vector<std::future<Answer>> waiting;
    for (int worker = 0; worker < 15; ++worker) {
      for (int i = 1; i <= 250; ++i) {
        waiting.push_back(Arrive(barriers, Of(absl::StrCat("greedy", worker), i),
                                 absl::StrCat("name", worker, "-", i)));
      }
    }
    auto modest = Arrive(barriers, Of("a", 1));
    EXPECT_EQ(Arrive(barriers, Of("b", 1)).get().value(), 1U);
    EXPECT_TRUE(modest.get().ok());
    memory.SetLimit(MemoryAccount::kUnlimited);
  }
  EXPECT_EQ(memory.used(), before);
}

TEST(BarrierSharesTest, OneWorkerWaitsAtSomeBarriersAtATimeOnly) {
  Barriers barriers;
  std::vector<std::future<Answer>> waiting;
  uint64_t sequence = 0;
  for (long i = 0; i < Barriers::kMostOfWorker; ++i) {
    waiting.push_back(Arrive(barriers, Of("a", ++sequence), "name" + std::to_string(i)));
  }
  const Answer refused = Arrive(barriers, Of("a", ++sequence), "one more").get();
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("worker 'a' waits at 256 others"));
  EXPECT_EQ(barriers.names(), static_cast<size_t>(Barriers::kMostOfWorker));
  // An arrival that is sent again is none more.
  auto resent = Arrive(barriers, Of("a", 1), "name0");
  EXPECT_FALSE(IsReady(resent));
  EXPECT_EQ(Arrive(barriers, Of("b", 1), "name0").get().value(), 1U);
  EXPECT_EQ(resent.get().value(), 1U);
  auto next = Arrive(barriers, Of("a", ++sequence), "one more");
  EXPECT_FALSE(IsReady(next));
}

}  // namespace
}  // namespace varscope::server
