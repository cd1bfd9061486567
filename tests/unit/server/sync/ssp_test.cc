// ssp: what a push was answered stays its answer.
#include <gtest/gtest.h>

#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

class SspTest : public SynchronizerTest {
 protected:
  // One is left behind, the other goes on.
  void LeaveBehind(const std::string& slow, const std::string& fast) {
    Submit(slow, 1).Get().value();
    Submit(fast, 1).Get().value();
    Submit(fast, 1).Get().value();
    ASSERT_TRUE(Read(fast).Get().ok());
  }
  Outcome OutcomeOf(const Push& push) { return Submit(push).Get().value().outcome; }
};

TEST_F(SspTest, AStalePushStaysStaleHoweverOftenItIsSent) {
  Start({"ssp:bound=0,deadline=50ms"}, {"fast", "slow"});
  LeaveBehind("slow", "fast");
  const Push refused = Gradient("slow", 100);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(OutcomeOf(refused), Outcome::kStale);
  const Push next = Gradient("slow", 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(OutcomeOf(next), Outcome::kApplied);
  // Also when a later one was answered meanwhile.
  EXPECT_EQ(OutcomeOf(refused), Outcome::kStale);
  EXPECT_EQ(Value(), -4);
}

TEST_F(SspTest, WhoIsLeftBehindAgainIsRefusedAgain) {
  Start({"ssp:bound=0,deadline=50ms"}, {"fast", "slow"});
  for (int i = 0; i < 2; ++i) {
    LeaveBehind("slow", "fast");
    const Push refused = Gradient("slow", 100);
    for (int k = 0; k < 2; ++k) EXPECT_EQ(OutcomeOf(refused), Outcome::kStale);
  }
}

TEST_F(SspTest, ManyReadersAreFreedByTheSlowestAndByNobodyBefore) {
  constexpr int kReaders = 50;
  std::vector<std::string> names = {"slow"};
  for (int i = 0; i < kReaders; ++i) names.push_back("fast" + std::to_string(i));
  Start({"ssp:bound=0,deadline=3600s"}, names);
  for (const std::string& name : names) Submit(name, 1).Get().value();
  std::vector<PendingRead> reads;
  for (int i = 0; i < kReaders; ++i) {
    Submit(names[1 + i], 1).Get().value();
    reads.push_back(Read(names[1 + i]));
  }
  for (const PendingRead& read : reads) EXPECT_FALSE(read.ready());
  Submit("slow", 1).Get().value();
  for (PendingRead& read : reads) EXPECT_TRUE(read.Get().ok());
}

}  // namespace
}  // namespace varscope::server
