// What becomes of a worker is written down before it happens, or does not happen.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "server/membership/workers.h"
#include "tests/support/manual_env.h"

namespace varscope::server {
namespace {

constexpr std::chrono::minutes kLease{60};

class WorkerRecordsTest : public ::testing::Test {
 protected:
  WorkerRecordsTest() {
    workers_.Observe([this](const WorkerRecord& record) -> Workers::Happens {
      if (without_memory_) throw std::bad_alloc();
      return [this, state = record.state] { written_.push_back(state); };
    });
    workers_.Start([](const WorkerRecord&) {},
                   [this](const WorkerRecord& lost) {
                     // They are told when it has happened.
                     EXPECT_FALSE(workers_.IsLive(lost.worker_id, lost.incarnation));
                     told_.push_back(lost.incarnation);
                   });
    w_ = Connect("w");
    written_.clear();
  }
  uint64_t Connect(const std::string& id) {
    return workers_.Connect(id, "host", 1, Sharing::kGlobal).value();
  }
  void Pass(std::chrono::minutes time) {
    constexpr std::chrono::minutes kPart{10};
    for (std::chrono::minutes passed{0}; passed < time; passed += kPart) {
      env_.RunDue();
      env_.Pass(kPart);
    }
    env_.RunDue();
  }
  void ExpectNothingHappened() {
    EXPECT_TRUE(workers_.IsLive("w", w_));
    EXPECT_TRUE(workers_.CheckMayPush("w").ok());
    EXPECT_TRUE(written_.empty());
    EXPECT_TRUE(told_.empty());
  }

  testing::ManualEnv env_;
  Workers workers_{kLease, env_};
  bool without_memory_ = false;
  std::vector<WorkerState> written_;
  std::vector<uint64_t> told_;
  uint64_t w_ = 0;
};

TEST_F(WorkerRecordsTest, WhatCannotBeWrittenDownDoesNotHappen) {
  without_memory_ = true;
  EXPECT_THROW(static_cast<void>(workers_.Disconnect({"w", w_})), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(workers_.Quarantine("w", "diverges")), std::bad_alloc);
  EXPECT_THROW(Connect("w"), std::bad_alloc);
  EXPECT_THROW(Connect("another"), std::bad_alloc);
  EXPECT_EQ(workers_.records().size(), 1U);
  Pass(2 * kLease);
  ExpectNothingHappened();
}

TEST_F(WorkerRecordsTest, AnEvictionIsTriedAgain) {
  without_memory_ = true;
  Pass(2 * kLease);
  ExpectNothingHappened();
  without_memory_ = false;
  env_.Pass(testing::ManualEnv::kWithoutMemory);
  env_.RunDue();
  EXPECT_FALSE(workers_.IsLive("w", w_));
  EXPECT_EQ(written_, std::vector{WorkerState::kEvicted});
  EXPECT_EQ(told_, std::vector{w_});
}

TEST_F(WorkerRecordsTest, EachEndIsWrittenDownAndToldOnce) {
  const uint64_t again = Connect("w");
  ASSERT_TRUE(workers_.Disconnect({"w", again}).ok());
  EXPECT_FALSE(workers_.Disconnect({"w", again}).ok());
  const uint64_t last = Connect("w");
  // The rollback writes that down.
  workers_.FenceAll();
  EXPECT_EQ(told_, (std::vector{w_, again}));
  workers_.TellLost();
  workers_.TellLost();
  Pass(2 * kLease);
  EXPECT_EQ(told_, (std::vector{w_, again, last}));
  EXPECT_EQ(written_, (std::vector{WorkerState::kLive, WorkerState::kLeft, WorkerState::kLive}));
}

// In recovery nobody waits.
TEST_F(WorkerRecordsTest, WhoHadEndedBeforeTheStartIsNotToldOf) {
  Workers restarted(kLease, env_);
  for (const WorkerRecord& record : workers_.records()) restarted.Restore(record);
  restarted.FenceAll();
  std::vector<uint64_t> told;
  restarted.Start([](const WorkerRecord&) {},
                  [&](const WorkerRecord& lost) { told.push_back(lost.incarnation); });
  restarted.TellLost();
  EXPECT_TRUE(told.empty());
  const uint64_t next = restarted.Connect("w", "host", 1, Sharing::kGlobal).value();
  ASSERT_TRUE(restarted.Disconnect({"w", next}).ok());
  EXPECT_EQ(told, std::vector{next});
  restarted.Stop();
}

}  // namespace
}  // namespace varscope::server
