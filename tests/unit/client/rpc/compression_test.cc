// Which gradients go in fewer bytes, and that nothing of them is lost for good.
#include "client/rpc/compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/convert.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

// A push of one optimizer's gradients, as it is before it is encoded.
struct Gradients {
  PushRequest push;
  PushTensors sent;

  void Add(const std::string& variable, const Tensor& gradient, bool sparse = false) {
    if (push.steps.empty()) push.steps.emplace_back();
    push.steps[0].updates.push_back({.variable = variable, .gradient = gradient, .rows = {}});
    if (sparse) push.steps[0].updates.back().rows = Tensor::Of<int64_t>(Shape{1}, {0});
  }
  Compression::Residuals Encode(const Compression& compression) {
    sent = TensorsOf(push);
    return compression.Encode(push, sent);
  }
  // What the server reads of the only gradient.
  Tensor Decoded(const Shape& shape) const {
    return *wire::Decode(sent.encodings[0], sent.tensors[0], shape);
  }
};

Tensor Values(const std::vector<float>& values) {
  return Tensor::Of<float>(Shape{static_cast<int64_t>(values.size())}, values);
}

TEST(CompressionTest, TheLongestPrefixRulesAndTheRestGoesWhole) {
  const Compression compression({{.prefix = "m", .push = Encoding::kInt8},
                                 {.prefix = "m/w", .push = Encoding::kNone},
                                 {.prefix = "m/b", .push = Encoding::kFloat16}});
  Gradients push;
  for (const char* name : {"m/x", "m/w", "m/b", "mm"}) push.Add(name, Values({1, 2}));
  push.Add("m/int", Tensor::Of<double>(Shape{1}, {1}));
  const Compression::Residuals residuals = push.Encode(compression);
  EXPECT_THAT(
      push.sent.encodings,
      ::testing::ElementsAre(wire::Encoding::kInt8, wire::Encoding::kNone, wire::Encoding::kFloat16,
                             wire::Encoding::kNone, wire::Encoding::kNone));
  EXPECT_EQ(residuals.size(), 2U);
  EXPECT_TRUE(compression.Concerns(push.push));
  Gradients other;
  other.Add("m/w", Values({1}));
  EXPECT_FALSE(compression.Concerns(other.push));
  EXPECT_FALSE(Compression({}).Concerns(push.push));
}

// Error feedback: whatever one push loses, the next ones make up for.
TEST(CompressionTest, TheSumOfWhatArrivesFollowsTheSumOfWhatWasSent) {
  for (const Encoding encoding : {Encoding::kInt8, Encoding::kBfloat16, Encoding::kFloat16}) {
    Compression compression({{.prefix = "", .push = encoding}});
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    constexpr int kPushes = 50;
    constexpr int64_t kSize = 300;
    std::vector<double> sent(kSize);
    std::vector<double> arrived(kSize);
    for (int i = 0; i < kPushes; ++i) {
      std::vector<float> gradient(kSize);
      for (float& x : gradient) x = normal(random);
      Gradients push;
      push.Add("v", Values(gradient));
      Compression::Residuals residuals = push.Encode(compression);
      const Tensor decoded = push.Decoded(Shape{kSize});
      for (int64_t k = 0; k < kSize; ++k) {
        sent[k] += gradient[k];
        arrived[k] += decoded.data<float>()[k];
      }
      compression.Keep(std::move(residuals));
    }
    // What is missing is what the last push lost: one step of the coarsest encoding.
    for (int64_t k = 0; k < kSize; ++k) EXPECT_NEAR(arrived[k], sent[k], 0.1);
  }
}

// A push that was refused is as if it had never been: its loss is not made up for twice.
TEST(CompressionTest, OnlyWhatWasAppliedIsKept) {
  Compression compression({{.prefix = "", .push = Encoding::kBfloat16}});
  Gradients lost;
  lost.Add("v", Values({1 + 1.0F / 512}));
  const Compression::Residuals never_kept = lost.Encode(compression);
  EXPECT_FALSE(never_kept.empty());
  Gradients exact;
  exact.Add("v", Values({1}));
  exact.Encode(compression);
  EXPECT_EQ(exact.Decoded(Shape{1}).data<float>()[0], 1);
}

TEST(CompressionTest, RowsAreEncodedWithoutMemory) {
  Compression compression({{.prefix = "", .push = Encoding::kBfloat16}});
  Gradients push;
  push.Add("table", Tensor::Of<float>(Shape{1, 2}, {1.001F, 2}), /*sparse=*/true);
  EXPECT_TRUE(push.Encode(compression).empty());
  EXPECT_THAT(push.sent.encodings, ::testing::ElementsAre(wire::Encoding::kBfloat16));
}

TEST(CompressionTest, AVariableOfAnotherShapeBeginsAnew) {
  Compression compression({{.prefix = "", .push = Encoding::kInt8}});
  Gradients first;
  first.Add("v", Values({0.3F, 127, 0.7F}));
  compression.Keep(first.Encode(compression));
  Gradients second;
  second.Add("v", Values({127, 1}));
  second.Encode(compression);
  EXPECT_EQ(second.Decoded(Shape{2}).data<float>()[1], 1);
}

// The server is the one that refuses a gradient with a NaN; the next one is not spoilt by it.
TEST(CompressionTest, ANumberThatIsNotFiniteLeavesNothingBehind) {
  Compression compression({{.prefix = "", .push = Encoding::kBfloat16}});
  Gradients bad;
  bad.Add("v", Values({std::numeric_limits<float>::quiet_NaN(), 1}));
  Compression::Residuals residuals = bad.Encode(compression);
  EXPECT_FALSE(std::isfinite(bad.Decoded(Shape{2}).data<float>()[0]));
  for (float x : residuals.at("v").values<float>()) EXPECT_TRUE(std::isfinite(x));
}

TEST(CompressionTest, WhatTheServerDoesNotTakeIsLeftOut) {
  google::protobuf::RepeatedField<int> encodings;
  encodings.Add(v1::ENCODING_BFLOAT16);
  const std::vector<CompressionRule> rules =
      Accepted({{.prefix = "a", .push = Encoding::kInt8, .pull = Encoding::kBfloat16}}, encodings);
  EXPECT_EQ(rules[0].push, Encoding::kNone);
  EXPECT_EQ(rules[0].pull, Encoding::kBfloat16);
}

TEST(CompressionTest, PullsFollowTheirRulesAndNeverComeAsInt8) {
  const Compression compression({{.prefix = "a", .pull = Encoding::kFloat16}});
  EXPECT_TRUE(compression.ForPulls());
  EXPECT_EQ(compression.ForPull("a/b"), wire::Encoding::kFloat16);
  EXPECT_EQ(compression.ForPull("b"), wire::Encoding::kNone);
  EXPECT_FALSE(Compression({{.prefix = "a", .push = Encoding::kInt8}}).ForPulls());
  EXPECT_THROW(Compression({{.prefix = "a", .pull = Encoding::kInt8}}), ValueError);
}

}  // namespace
}  // namespace varscope::internal
