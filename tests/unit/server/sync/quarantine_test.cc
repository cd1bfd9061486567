// How many pushes with a NaN a worker has sent: each counts once, in whatever incarnation.
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

class QuarantineTest : public SynchronizerTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void StartWith(uint32_t most) {
    Start({absl::StrCat("async:nonfinite=", GetParam(), ",quarantine=", most)}, {"a", "b"});
  }
  Push WithNan(const std::string& worker) {
    return Gradient(worker, std::numeric_limits<float>::quiet_NaN());
  }
  void Send(const Push& push) { Submit(push).Get().IgnoreError(); }
  bool MayPush(const std::string& worker) { return workers_.CheckMayPush(worker).ok(); }
};

TEST_P(QuarantineTest, APushThatIsSentAgainCountsOnce) {
  constexpr size_t kPushes = 5;
  StartWith(kPushes + 1);
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    const std::string worker = absl::StrCat("a", seed);
    Connect(worker);
    const uint64_t before = Status().nonfinite;
    std::vector<Push> sent;
    while (sent.size() < kPushes) {
      sent.push_back(WithNan(worker));
      Send(sent.back());
      for (uint32_t again = random() % 6; again > 0; --again) Send(sent[random() % sent.size()]);
      if (random() % 2 == 0) Send(Gradient(worker, 1));
      ASSERT_TRUE(MayPush(worker)) << "seed " << seed;
    }
    EXPECT_EQ(Status().nonfinite - before, kPushes) << "seed " << seed;
  }
}

TEST_P(QuarantineTest, TheLastThatIsAllowedEndsInQuarantine) {
  StartWith(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(MayPush("a"));
    const Push push = WithNan("a");
    for (int k = 0; k < 4 && MayPush("a"); ++k) Send(push);
  }
  EXPECT_FALSE(MayPush("a"));
  EXPECT_TRUE(MayPush("b"));
  EXPECT_EQ(Status().nonfinite, 3U);
}

TEST_P(QuarantineTest, NoWorkerEscapesByConnectingAgain) {
  StartWith(4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(MayPush("a"));
    Send(WithNan("a"));
    if (i % 2 == 0) {
      ASSERT_TRUE(workers_.Disconnect({"a", incarnations_["a"]}).ok());
    }
    Connect("a");
  }
  EXPECT_FALSE(MayPush("a"));
  EXPECT_EQ(Status().nonfinite, 4U);
}

TEST_P(QuarantineTest, NoWorkerEscapesByItsNumbers) {
  StartWith(10);
  Push first = WithNan("a");
  first.id.sequence = uint64_t{1} << 62;
  Send(first);
  for (int i = 1; i < 10; ++i) {
    EXPECT_TRUE(MayPush("a"));
    Send(WithNan("a"));
  }
  EXPECT_FALSE(MayPush("a"));
}

TEST_P(QuarantineTest, NothingIsCountedOfWhoIsForgotten) {
  StartWith(2);
  Send(WithNan("a"));
  sync_->WorkerForgotten("a");
  Send(WithNan("a"));
  EXPECT_TRUE(MayPush("a"));
  Send(WithNan("a"));
  EXPECT_FALSE(MayPush("a"));
}

// What is beside it in the push is no cover.
TEST_P(QuarantineTest, EachGroupCountsWhatItsOwnVariablesGet) {
  Start({absl::StrCat("model=async:nonfinite=", GetParam(), ",quarantine=3")}, {"a", "b"});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto send = [&](const std::string& worker, float gradient, float value) {
    Push push = Gradient(worker, gradient, "w");
    push.assignments.push_back(
        {"model/w", AssignOp::kAssign, Tensor::Of<float>(Shape{1}, {value}), std::nullopt});
    Send(push);
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(MayPush("a"));
    send("a", 1, nan);
    send("b", nan, 1);  // which the other group refuses, and does not count
  }
  EXPECT_FALSE(MayPush("a"));
  EXPECT_TRUE(MayPush("b"));
  EXPECT_EQ(Status().nonfinite, 3U);
  EXPECT_EQ(Value("model/w"), 0);
  EXPECT_EQ(Value("w"), 0);
}

INSTANTIATE_TEST_SUITE_P(, QuarantineTest, ::testing::Values("refuse", "skip"));

}  // namespace
}  // namespace varscope::server
