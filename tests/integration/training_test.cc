// Workers train together: sums, and the classifier with one, three and eight processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "tests/support/sanitizer.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;

Tensor ReadW(const ServerProcess& server) {
  Graph graph(server.target());
  const auto use = graph.as_default();
  return Session().read("w");
}

void RunAll(const std::vector<std::vector<std::string>>& workers) {
  std::vector<std::unique_ptr<CapturedProcess>> processes;
  for (std::vector<std::string> arguments : workers) {
    processes.push_back(std::make_unique<CapturedProcess>(arguments));
  }
  for (const auto& process : processes) {
    const Finished finished = process->Wait();
    EXPECT_EQ(finished.code, 0) << finished.error;
  }
}

std::vector<std::string> Sgd(const ServerProcess& server, const std::string& worker, int seed) {
  return {Built("bin/varscope_test_worker"),
          "sgd",
          server.target(),
          worker,
          "200",
          std::to_string(seed)};
}

TEST(SumTest, TwoWorkersTogetherEqualOneAfterTheOther) {
  const ServerProcess together;
  RunAll({Sgd(together, "a", 1), Sgd(together, "b", 2)});
  const ServerProcess one;
  RunAll({Sgd(one, "a", 1)});
  RunAll({Sgd(one, "a", 2)});
  const Tensor sum = ReadW(together);
  EXPECT_TRUE(BytesEqual(sum, ReadW(one))) << Summarize(sum);
  EXPECT_NE(sum.data<float>()[0], 0);
}

// An example that learns from the digits.
std::vector<std::string> Learner(const std::string& program, const ServerProcess& server,
                                 const std::string& id, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {Built("bin/" + program), "--target", server.target()};
  arguments.insert(arguments.end(), {"--data", Digits(), "--worker-id", id});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// Ten variables (six of the generator, four of the discriminator, which is applied twice), two Adam
// slots each, and two beta powers for each of the two optimizers.
TEST(GanTest, TwoProcessesTrainOneGenerator) {
  const ServerProcess server;
  const auto gan = [&](const std::string& id, const std::vector<std::string>& more) {
    return Learner("varscope_gan", server, id, more);
  };
  const std::vector<std::string> flags = {"--workers", "2", "--steps", "200"};
  RunAll({gan("a", flags), gan("b", flags)});
  const Finished list = server.Ctl({"list"});
  EXPECT_THAT(list.output, HasSubstr("34 variables"));
  EXPECT_THAT(list.output, HasSubstr("discriminator/first/kernel/Adam_1"));
  EXPECT_THAT(list.output, ::testing::Not(HasSubstr("discriminator_1")));
  const Finished drawn = RunToEnd(gan("painter", {"--draw"}));
  EXPECT_EQ(drawn.code, 0) << drawn.error;
  EXPECT_THAT(drawn.output, HasSubstr("\u2592"));
}

TEST(QuickstartTest, TheReadmesProgramTrainsOnOneVariableHoweverOftenItRuns) {
  const ServerProcess server;
  const Finished first = RunToEnd({Built("bin/varscope_quickstart"), server.target()});
  EXPECT_THAT(first.output, HasSubstr("model/w:0 [")) << first.error;
  EXPECT_EQ(RunToEnd({Built("bin/varscope_quickstart"), server.target()}).code, 0);
  const Finished list = server.Ctl({"list"});
  EXPECT_THAT(list.output, HasSubstr("global step 200"));
}

struct Setup {
  int workers;
  bool sync;
};

class ClassifierTest : public ::testing::TestWithParam<Setup> {};

// What a sanitizer looks for shows itself in fewer steps, and each takes twenty times as long.
int Steps() { return IsSanitized() ? 1500 : 6000; }
const char* Accuracy() { return IsSanitized() ? "0.85" : "0.96"; }

TEST_P(ClassifierTest, LearnsToReadDigits) {
  const ServerProcess server;
  const auto worker = [&](const std::string& id, const std::vector<std::string>& more) {
    return Learner("varscope_classifier", server, id, more);
  };
  // Gradients of many workers that do not wait for each other's updates are noisy: the accuracy
  // wanders, so who is below trains on for a while.
  Finished judge{};
  for (int more = 0; more < 3; ++more) {
    std::vector<std::vector<std::string>> workers;
    for (int i = 0; i < GetParam().workers; ++i) {
      workers.push_back(worker("worker-" + std::to_string(i),
                               {"--workers", std::to_string(GetParam().workers), "--steps",
                                std::to_string(Steps() + Steps() / 3 * more)}));
      if (GetParam().sync) workers.back().push_back("--sync");
    }
    RunAll(workers);
    judge = RunToEnd(worker("judge", {"--evaluate", "--at-least", Accuracy()}));
    if (judge.code == 0) break;
  }
  EXPECT_EQ(judge.code, 0) << judge.output << judge.error;
}

INSTANTIATE_TEST_SUITE_P(Workers, ClassifierTest,
                         ::testing::Values(Setup{1, false}, Setup{3, false}, Setup{8, false},
                                           Setup{1, true}, Setup{3, true}, Setup{8, true}),
                         [](const auto& info) {
                           return std::to_string(info.param.workers) + "Workers" +
                                  (info.param.sync ? "InStep" : "Free");
                         });

class PushTest : public ::testing::Test {
 protected:
  ServerProcess server_;
  Graph graph_{server_.target(), {.worker_id = "w0"}};
  ScopeGuard use_ = graph_.as_default();
  Variable v_ = get_variable("v", {.initializer = Initializer({1, 2, 3})});
  Session session_;
};

TEST_F(PushTest, AssignmentsChangeTheServersTensorAndFetchesSeeThem) {
  EXPECT_EQ(Summarize(session_.run(v_.assign({4, 5, 6}))), "[4 5 6]");
  EXPECT_EQ(Summarize(session_.run(v_.assign_add({1, 1, 1}))), "[5 6 7]");
  EXPECT_EQ(Summarize(session_.run(v_.assign_sub({0, 1, 2}))), "[5 5 5]");
  const Tensor rows = Tensor::Of<int32_t>(Shape{2}, {2, 0});
  EXPECT_EQ(Summarize(session_.run(v_.scatter_update(rows, {9, 8}))), "[8 5 9]");
  EXPECT_EQ(Summarize(session_.run(v_.scatter_add(rows, {1, 1}))), "[9 5 10]");
  EXPECT_EQ(Summarize(session_.run(v_.scatter_sub(rows, {10, 9}))), "[0 5 0]");
}

TEST_F(PushTest, GlobalStepAdvancesWithEachAppliedPush) {
  const Variable step = train::get_or_create_global_step();
  const Operation train =
      train::GradientDescentOptimizer(0.1).minimize(reduce_sum(square(v_)), step);
  session_.run(train);
  EXPECT_EQ(session_.global_step(), 1U);
  session_.run(train);
  EXPECT_EQ(session_.global_step(), 2U);
  EXPECT_EQ(session_.run(step).scalar<int64_t>(), 2);
}

TEST_F(PushTest, LearningRateMayChangeWithEachPush) {
  const Output rate = placeholder(float32, Shape{}, "rate");
  const Operation train = train::GradientDescentOptimizer(rate).minimize(reduce_sum(v_));
  session_.run(train, {{rate, Tensor::Scalar(0.5F)}});
  session_.run(train, {{rate, Tensor::Scalar(0.25F)}});
  EXPECT_EQ(Summarize(session_.run(v_)), "[0.25 1.25 2.25]");
}

TEST_F(PushTest, ServerClipsAndDecaysAsTheWorkerAsks) {
  // The gradient is (30, 40, 0), of norm 50.
  const Output loss = reduce_sum(multiply(v_, constant({30, 40, 0})));
  session_.run(train::GradientDescentOptimizer(1.0).with({.clip_norm = 5}).minimize(loss));
  EXPECT_EQ(Summarize(session_.run(v_)), "[-2 -2 3]");
  session_.run(train::GradientDescentOptimizer(1.0).with({.clip_value = 1}).minimize(loss));
  EXPECT_EQ(Summarize(session_.run(v_)), "[-3 -3 3]");
  // weight_decay * variable joins the (zero) gradient.
  const Output nothing = reduce_sum(multiply(v_, constant({0, 0, 0})));
  session_.run(train::GradientDescentOptimizer(1.0).with({.weight_decay = 0.5}).minimize(nothing));
  EXPECT_EQ(Summarize(session_.run(v_)), "[-1.5 -1.5 1.5]");
}

TEST_F(PushTest, ClipByGlobalNormInTheGraphEqualsTheServers) {
  const Output loss = reduce_sum(multiply(v_, constant({30, 40, 0})));
  const auto grads = gradients({loss}, {v_});
  const auto [clipped, norm] = clip_by_global_norm(grads, 5.0);
  const Operation train = train::GradientDescentOptimizer(1.0).apply_gradients({{clipped[0], v_}});
  EXPECT_FLOAT_EQ(session_.run({norm, train})[0].scalar<float>(), 50);
  EXPECT_EQ(Summarize(session_.run(v_)), "[-2 -2 3]");
}

TEST_F(PushTest, ASecondOptimizerHasSlotsOfItsOwn) {
  const Output loss = reduce_sum(v_);
  session_.run(train::AdamOptimizer().minimize(loss));
  session_.run(train::AdamOptimizer().minimize(loss));
  EXPECT_EQ(session_.read("v/Adam").shape(), Shape{3});
  EXPECT_EQ(session_.read("v/Adam_3").shape(), Shape{3});
  EXPECT_EQ(session_.read("beta1_power_1").shape(), Shape{});
  EXPECT_THROW(session_.read("v/Adam_4"), NotFoundError);
}

TEST_F(PushTest, NanGradientsAreRefusedWithTheVariablesNameUnlessAllowed) {
  const Output poison = placeholder(float32, {3}, "poison");
  const Tensor nan = Tensor::Of<float>(Shape{3}, {0, std::nanf(""), 0});
  const train::GradientsAndVariables gradient = {{Gradient{poison, {}}, v_}};
  const Operation train = train::GradientDescentOptimizer(1.0).apply_gradients(gradient);
  try {
    session_.run(train, {{poison, nan}});
    FAIL() << "a NaN must be refused";
  } catch (const InvalidArgumentError& error) {
    EXPECT_THAT(error.message(), HasSubstr("variable v, worker 'w0'"));
    EXPECT_THAT(error.message(), HasSubstr("NaN at element 1 of 3"));
  }
  EXPECT_EQ(Summarize(session_.run(v_)), "[1 2 3]");
  const Operation careless = train::GradientDescentOptimizer(1.0)
                                 .with({.allow_nonfinite = true})
                                 .apply_gradients(gradient);
  session_.run(careless, {{poison, nan}});
  EXPECT_TRUE(std::isnan(session_.run(v_).data<float>()[1]));
}

TEST_F(PushTest, ValuesThatAWorkerComputesInitializeOnce) {
  Tensor value(float32, {300, 100});
  for (float& x : value.mutable_values<float>()) x = 7;
  const Variable big(value, {.name = "big"});
  const Variable computed(v_ + 1, {.name = "computed"});
  EXPECT_THROW(session_.run(computed), FailedPreconditionError);
  const Operation init = global_variables_initializer();
  session_.run(init);
  session_.run(computed.assign({0, 0, 0}));
  session_.run(init);
  EXPECT_EQ(Summarize(session_.run(computed)), "[0 0 0]");
  EXPECT_TRUE(BytesEqual(session_.run(big), value));
}

TEST_F(PushTest, ASparseGradientTouchesOnlyItsRows) {
  const Variable table =
      get_variable("table", {.shape = Shape{5, 2}, .initializer = ones_initializer()});
  const Tensor ids = Tensor::Of<int64_t>(Shape{3}, {4, 1, 4});
  const Output rows = nn::embedding_lookup(table, ids);
  const auto grads = gradients({reduce_sum(rows)}, {table});
  EXPECT_TRUE(grads[0].is_sparse());
  session_.run(train::GradientDescentOptimizer(0.25).minimize(reduce_sum(rows), {}, {table}));
  EXPECT_EQ(Summarize(session_.run(table), 10), "[1 1 0.75 0.75 1 1 1 1 0.5 0.5]");
}

// TensorFlow rounds beta2 to float32 before it takes it from 1, and so do the server and workers
// that train on copies of their own.
TEST(Float64Test, AdamsFirstStepIsTensorFlows) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{}, std::vector<std::string>{"--sync", "local:steps=4"}}) {
    const ServerProcess server(flags);
    const Graph graph(server.target());
    const auto use = graph.as_default();
    const Variable k = get_variable("k", {.initializer = Initializer(Tensor::Scalar(0.3))});
    Session session;
    session.run(train::AdamOptimizer(0.5).minimize(square(k)));
    EXPECT_NEAR(session.run(k).scalar<double>(), -0.19999974, 5e-9);
  }
}

}  // namespace
}  // namespace varscope::testing
