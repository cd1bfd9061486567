// Streams that hold memory which others wait for.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "server/rpc/stall_detector.h"
#include "tests/simulation/sim_env.h"

namespace varscope::simulation {
namespace {

using server::StallDetector;
using std::chrono::milliseconds;

constexpr milliseconds kLimit{3000};
constexpr uint64_t kExpected = uint64_t{100} << 20;

class StallTest : public ::testing::Test {
 protected:
  // So many bytes a second, for so many seconds.
  void Bring(StallDetector::IdleTimeout& stream, uint64_t bytes, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      stream.Progress(bytes);
      env_.Advance(milliseconds(1000));
    }
  }

  SimEnv env_{1};
  StallDetector stall_detector_{kLimit, env_};
  bool ended_ = false;
  StallDetector::IdleTimeout stream_{stall_detector_, [this] { ended_ = true; }};
};

TEST_F(StallTest, AStreamMayBeAsSlowAsItLikesWhileNobodyWaits) {
  stream_.Expect(kExpected);
  Bring(stream_, StallDetector::kProgressBytes, 600);
  EXPECT_FALSE(ended_);
}

TEST_F(StallTest, OneThatIsTooSlowEndsOnceSomebodyWaits) {
  stream_.Expect(kExpected);
  Bring(stream_, StallDetector::kProgressBytes, 60);
  stall_detector_.Hurry();
  Bring(stream_, StallDetector::kProgressBytes, 2);
  EXPECT_TRUE(ended_);
}

TEST_F(StallTest, OneThatIsInTimeGoesOnWhoeverWaits) {
  stream_.Expect(kExpected);
  const auto seconds = StallDetector::kHurriedLimits * kLimit / milliseconds(1000);
  for (int i = 0; i < seconds; ++i) {
    stall_detector_.Hurry();
    Bring(stream_, kExpected / seconds + 1, 1);
  }
  EXPECT_FALSE(ended_);
}

TEST_F(StallTest, NobodyHurriesForLong) {
  stream_.Expect(kExpected);
  stall_detector_.Hurry();
  Bring(stream_, kExpected / 10, 7);
  Bring(stream_, StallDetector::kProgressBytes, 600);
  EXPECT_FALSE(ended_);
}

}  // namespace
}  // namespace varscope::simulation
