// Gradients and values in fewer bytes, with a real server.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/operator.h"
#include "tests/support/server_process.h"
#include "varscope/v1/types.pb.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;

ConnectOptions With(std::vector<CompressionRule> rules) {
  return {.worker_id = "w", .cache_pulls = true, .compression = std::move(rules)};
}

v1::VariableInfo Describe(const ServerProcess& server, const std::string& name) {
  return Operator(server.target()).Describe(name);
}

class CompressionTest : public ::testing::TestWithParam<Encoding> {};

INSTANTIATE_TEST_SUITE_P(All, CompressionTest,
                         ::testing::Values(Encoding::kFloat16, Encoding::kBfloat16,
                                           Encoding::kInt8));

// One element dwarfs the others: alone, int8 would never move them. What is lost comes later.
TEST_P(CompressionTest, WhatAGradientLosesComesWithTheNextOnes) {
  ServerProcess server;
  Graph graph(server.target(), With({{.prefix = "w", .push = GetParam()}}));
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{100}, .initializer = zeros_initializer()});
  const Output gradient = placeholder(float32, {100});
  const Operation train =
      train::GradientDescentOptimizer(1.0).apply_gradients({{Gradient{gradient, {}}, w}});
  Session session;
  Tensor value(float32, Shape{100});
  for (float& x : value.mutable_values<float>()) x = 0.0013F;
  value.mutable_data<float>()[7] = 1.01F;
  constexpr int kSteps = 500;
  for (int step = 0; step < kSteps; ++step) session.run(train, {{gradient, value}});
  const Tensor trained = session.read("w");
  // At most one step of the encoding is outstanding.
  EXPECT_NEAR(trained.data<float>()[3], -kSteps * 0.0013, 1.01 / 127);
  EXPECT_NEAR(trained.data<float>()[7], -kSteps * 1.01, 0.02);
}

TEST_P(CompressionTest, ANaNIsRefusedAndForgotten) {
  ServerProcess server;
  Graph graph(server.target(), With({{.push = GetParam()}}));
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{4}, .initializer = zeros_initializer()});
  const Output gradient = placeholder(float32, {4});
  const Operation train =
      train::GradientDescentOptimizer(1.0).apply_gradients({{Gradient{gradient, {}}, w}});
  Session session;
  EXPECT_THROW(session.run(train, {{gradient, Tensor::Of<float>(Shape{4}, {1, NAN, 1, 1})}}),
               InvalidArgumentError);
  session.run(train, {{gradient, Tensor::Of<float>(Shape{4}, {1, 1, 1, 1})}});
  for (float x : session.read("w").values<float>()) EXPECT_NEAR(x, -1, 0.01);
}

TEST(CompressionRuleTest, ValuesComeRoundedButAreReadWhole) {
  ServerProcess server;
  Graph graph(server.target(), With({{.prefix = "half", .pull = Encoding::kFloat16},
                                     {.prefix = "half/not", .push = Encoding::kInt8}}));
  const auto use = graph.as_default();
  const auto third = [](const std::string& name) {
    return get_variable(name, {.shape = Shape{1000}, .initializer = constant_initializer(1.0 / 3)});
  };
  const Variable half = third("half/w");
  const Variable whole = third("half/not/w");
  Session session;
  constexpr float kThird = 1.0F / 3;
  for (int again = 0; again < 3; ++again) {
    const std::vector<Tensor> values = session.run({half, whole});
    EXPECT_NE(values[0].data<float>()[999], kThird);
    EXPECT_NEAR(values[0].data<float>()[999], kThird, 2e-4);
    EXPECT_EQ(values[1].data<float>()[999], kThird);
    EXPECT_EQ(session.read("half/w").data<float>()[999], kThird);
  }
}

TEST(CompressionRuleTest, FewerBytesTravel) {
  ServerProcess server;
  Graph graph(server.target(), With({{.prefix = "half", .pull = Encoding::kBfloat16}}));
  const auto use = graph.as_default();
  const Variable w =
      get_variable("half", {.shape = Shape{1000}, .initializer = zeros_initializer()});
  Session session;
  session.run(w);
  EXPECT_EQ(Describe(server, "half").bytes_pulled(), 2000);
}

TEST(CompressionRuleTest, ValuesAreNotPulledAsInt8) {
  ServerProcess server;
  try {
    Graph graph(server.target(), With({{.prefix = "w", .pull = Encoding::kInt8}}));
    FAIL() << "was taken";
  } catch (const ValueError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot be pulled as int8"));
  }
}

}  // namespace
}  // namespace varscope::testing
