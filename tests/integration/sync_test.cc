// Leases and synchronization modes, with real servers and workers.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>

#include "proto/wire/protocol.h"
#include "tests/support/definition.h"
#include "tests/support/in_threads.h"
#include "tests/support/operator.h"
#include "tests/support/programs.h"
#include "tests/support/raw_worker.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

void WaitUntil(const std::string& what, const std::function<bool()>& condition) {
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (Clock::now() > limit) throw std::runtime_error("waited 60 s until " + what);
    std::this_thread::yield();
  }
}

std::vector<std::string> Sgd(const ServerProcess& server, const std::string& worker, int steps) {
  return {Built("bin/varscope_test_worker"),
          "sgd",
          server.target(),
          worker,
          std::to_string(steps),
          "1"};
}

TEST(LeaseTest, HeartbeatsKeepAnIdleWorkerAndTheSilentOneIsEvicted) {
  const ServerProcess server({"--lease-seconds", "0.3"});
  Operator op(server.target());
  Graph graph(server.target(), {.worker_id = "idle"});
  op.Connect("silent");  // later than the idle one
  WaitUntil("it is evicted", [&] { return op.StateOf("silent") == v1::WorkerInfo::EVICTED; });
  EXPECT_EQ(op.StateOf("idle"), v1::WorkerInfo::LIVE);
}

TEST(BarrierTest, WhoeverNoLongerWaitsDoesNotCount) {
  const ServerProcess server;
  Operator op(server.target());
  const RawWorker impatient(server.target(), "impatient");
  v1::BarrierRequest request;
  request.set_name("b");
  request.set_parties(2);
  request.set_timeout_ms(60000);
  grpc::ClientContext context;
  impatient.Prepare(context);
  std::future<grpc::Status> waits = std::async(std::launch::async, [&] {
    v1::BarrierResponse response;
    return impatient.stub().Barrier(&context, request, &response);
  });
  WaitUntil("it waits", [&] { return !op.WaitsOf("impatient").empty(); });
  context.TryCancel();
  EXPECT_EQ(waits.get().error_code(), grpc::StatusCode::CANCELLED);
  WaitUntil("the server knows", [&] { return op.WaitsOf("impatient").empty(); });
  Graph graph(server.target());
  const auto use = graph.as_default();
  EXPECT_THROW(Session().barrier("b", 2, std::chrono::milliseconds(50)), DeadlineExceededError);
}

TEST(LeaseTest, AWorkerDeregisters) {
  const ServerProcess server;
  Operator op(server.target());
  {
    Graph graph(server.target(), {.worker_id = "w"});
    EXPECT_EQ(op.StateOf("w"), v1::WorkerInfo::LIVE);
  }
  EXPECT_EQ(op.StateOf("w"), v1::WorkerInfo::LEFT);
}

TEST(LeaseTest, AWorkerThatStoodStillComesBackAndEachOfItsPushesCountsOnce) {
  const ServerProcess server({"--lease-seconds", "0.3"});
  Operator op(server.target());
  Process worker(Sgd(server, "paused", 3000));
  for (int pause = 0; pause < 3; ++pause) {
    const uint64_t before = op.Group().applied();
    WaitUntil("it pushes", [&] { return op.Group().applied() > before + 5; });
    worker.Signal(SIGSTOP);
    WaitUntil("it is evicted", [&] { return op.StateOf("paused") == v1::WorkerInfo::EVICTED; });
    worker.Signal(SIGCONT);
  }
  ASSERT_EQ(worker.Wait(), 0);
  EXPECT_EQ(op.Group().applied(), 3000U);
}

TEST(BspTest, FourWorkersTakeOneStepAndADeadOneHoldsThemUpForItsLeaseOnly) {
  // Only the lease can release them: the deadline is longer than the workers' patience.
  const ServerProcess server({"--sync", "bsp:workers=4,deadline=3600s", "--lease-seconds", "1"});
  Operator op(server.target());
  std::vector<std::unique_ptr<Process>> survivors;
  for (const char* id : {"a", "b", "c"}) {
    survivors.push_back(std::make_unique<Process>(Sgd(server, id, 400)));
  }
  Process dying(Sgd(server, "dying", 1000000));
  WaitUntil("steps are taken", [&] { return op.Group().group().step() > 10; });
  dying.Signal(SIGKILL);
  dying.Wait();
  const uint64_t step = op.Group().group().step();
  const Clock::time_point start = Clock::now();
  WaitUntil("the next step", [&] { return op.Group().group().step() > step; });
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (const auto& worker : survivors) EXPECT_EQ(worker->Wait(), 0);
  EXPECT_GE(op.Group().group().step(), 400U);
  EXPECT_EQ(op.StateOf("dying"), v1::WorkerInfo::EVICTED);
  RecordProperty("seconds_until_the_next_step", std::to_string(seconds));
}

// Computed by the program, as PyTorch's and JAX's are.
TEST(StalenessTest, AGradientThatIsFedIsAsOldAsWhatItsWorkerReadLast) {
  const ServerProcess server({"--sync", "async:max_staleness=0"});
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{2}, .initializer = zeros_initializer()});
  const Output dense = placeholder(DType::kFloat32, Shape{2});
  const Operation push = train::GradientDescentOptimizer(1.0).apply_gradients({{{dense}, w}});
  const Tensor ones = Tensor::Of<float>(Shape{2}, {1, 1});
  Session session;
  const auto another_pushes = [&] {
    Graph other(server.target());
    const auto use_other = other.as_default();
    const variable_scope reuse(get_variable_scope(), {.reuse = AUTO_REUSE});
    Session().run(get_variable("w").assign_add(constant(ones)).op());
  };
  session.run(w);
  session.run(push, {{dense, ones}});
  EXPECT_EQ(session.dropped_pushes(), 0U);
  session.run(push, {{dense, ones}});
  EXPECT_EQ(session.dropped_pushes(), 1U) << "its own push came between";
  session.run(w);
  another_pushes();
  session.run(push, {{dense, ones}});
  EXPECT_EQ(session.dropped_pushes(), 2U);
  session.run(w);
  session.run(push, {{dense, ones}});
  EXPECT_EQ(session.dropped_pushes(), 2U);
  EXPECT_EQ(session.read("w").values<float>()[0], -1);
}

TEST(BspTest, AWorkerWhoseTimeoutComesFirstIsToldWhoWasAwaited) {
  const ServerProcess server({"--sync", "bsp:workers=2,deadline=3600s"});
  Operator op(server.target());
  const auto graph_of = [&](const std::string& id, std::chrono::milliseconds timeout) {
    return Graph(server.target(), {.worker_id = id, .timeout = timeout});
  };
  const auto step_of = [](Graph& graph) {
    const auto use = graph.as_default();
    const variable_scope reuse(get_variable_scope(), {.reuse = AUTO_REUSE});
    const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
    return std::pair(train::GradientDescentOptimizer(1.0).minimize(w * 1.0F),
                     std::make_shared<Session>());
  };
  Graph impatient = graph_of("impatient", std::chrono::seconds(2));
  Graph patient = graph_of("patient", std::chrono::minutes(5));
  const auto [soon, its] = step_of(impatient);
  const auto [late, other] = step_of(patient);
  try {
    its->run(soon);
    ADD_FAILURE() << "nobody was awaited";
  } catch (const DeadlineExceededError& error) {
    EXPECT_THAT(error.message(), AllOf(HasSubstr("has 1 of 2 pushes"), HasSubstr("1 more to join"),
                                       HasSubstr("nothing was applied")));
  }
  EXPECT_EQ(op.Group().group().step(), 0U);
  // What was withdrawn is in no step.
  std::thread follows([&, session = other, step = late] { session->run(step); });
  WaitUntil("it waits", [&] { return op.Group().waits().find("1 of 2") != std::string::npos; });
  its->run(soon);
  follows.join();
  EXPECT_EQ(op.Group().group().step(), 1U);
  EXPECT_EQ(other->read("w").scalar<float>(), -1);
}

TEST(BspTest, EveryGradientCountsOnce) {
  const ServerProcess server({"--sync", "bsp:workers=3"});
  InThreads(server, 3, [](int i) {
    const Variable w = get_variable("w", {.shape = Shape{2}, .initializer = zeros_initializer()});
    const Operation train =
        train::GradientDescentOptimizer(1.0).minimize(reduce_sum(w * static_cast<float>(i + 1)));
    Session session;
    for (int step = 0; step < 20; ++step) session.run(train);
    EXPECT_EQ(session.dropped_pushes(), 0U);
  });
  Graph graph(server.target());
  const auto use = graph.as_default();
  EXPECT_EQ(Summarize(Session().read("w")), "[-40 -40]");
}

TEST(SspTest, NobodyReadsFurtherAheadThanTheBound) {
  constexpr int kWorkers = 3;
  constexpr int kBound = 2;
  constexpr int kSteps = 60;
  const ServerProcess server({"--sync", "ssp:bound=" + std::to_string(kBound)});
  std::mutex mutex;
  std::vector<int> started(kWorkers, 0);  // pushes
  int furthest = 0;
  InThreads(server, kWorkers, [&](int i) {
    const Variable w = get_variable("w", {.shape = Shape{8}, .initializer = zeros_initializer()});
    const Operation train = train::GradientDescentOptimizer(0.01).minimize(reduce_sum(square(w)));
    Session session;
    std::mt19937 random(i);
    const auto push = [&] {
      {
        std::lock_guard lock(mutex);
        ++started[i];
      }
      session.run(train);
    };
    push();
    session.barrier("joined", kWorkers, std::chrono::seconds(30));
    for (int step = 1; step < kSteps; ++step) {
      session.run(w);
      {
        // A worker's clock at the server is never ahead of what it has started.
        std::lock_guard lock(mutex);
        const int slowest = *std::min_element(started.begin(), started.end());
        furthest = std::max(furthest, started[i] - slowest);
        EXPECT_LE(started[i] - slowest, kBound);
      }
      for (unsigned spin = random() % 3; spin > 0; --spin) session.run(w);
      push();
    }
    std::lock_guard lock(mutex);
    started[i] = kSteps + kBound;  // it is done
  });
  EXPECT_GT(furthest, 0);
}

// Two workers pull w and v towards targets of their own. The same in plain code is the reference.
struct Reference {
  double w = 0.5;
  double v = -0.25;
  double w_momentum = 0;
  double v_momentum = 0;
};

constexpr double kInnerRate = 0.05;
double Target(int worker) { return worker == 0 ? 1.0 : 3.0; }

void Outer(double& value, double& momentum, double difference) {
  momentum = 0.9 * momentum + difference;
  value -= 0.7 * (difference + 0.9 * momentum);
}

Reference LocalReference(int steps, int local_steps, int fragments) {
  Reference server;
  std::vector<std::pair<double, double>> at(2, {server.w, server.v});
  const int fragment_steps = local_steps / fragments;
  for (int step = 1; step <= steps; ++step) {
    for (int i = 0; i < 2; ++i) {
      at[i].first -= kInnerRate * 2 * (at[i].first - Target(i));
      at[i].second -= kInnerRate * 2 * (at[i].second - 2 * Target(i));
    }
    if (step % fragment_steps != 0) continue;
    const int fragment = (step / fragment_steps - 1) % fragments;
    // Of two fragments the first has v, which comes first by name.
    if (fragments == 1 || fragment == 0) {
      Outer(server.v, server.v_momentum, server.v - (at[0].second + at[1].second) / 2);
      for (auto& [w, v] : at) v = server.v;
    }
    if (fragments == 1 || fragment == 1) {
      Outer(server.w, server.w_momentum, server.w - (at[0].first + at[1].first) / 2);
      for (auto& [w, v] : at) w = server.w;
    }
  }
  return server;
}

class LocalTest : public ::testing::TestWithParam<int> {};

TEST_P(LocalTest, EqualsTheReference) {
  constexpr int kSteps = 48;
  constexpr int kLocalSteps = 8;
  const ServerProcess server({"--sync", "local:workers=2,steps=" + std::to_string(kLocalSteps) +
                                            ",fragments=" + std::to_string(GetParam())});
  InThreads(server, 2, [](int i) {
    const auto scalar = [](const char* name, double value) {
      return get_variable(
          name, {.shape = Shape{}, .dtype = float64, .initializer = constant_initializer(value)});
    };
    const Variable w = scalar("w", 0.5);
    const Variable v = scalar("v", -0.25);
    const Output loss = square(w - Target(i)) + square(v - 2 * Target(i));
    const Operation train = train::GradientDescentOptimizer(kInnerRate).minimize(loss);
    Session session;
    for (int step = 0; step < kSteps; ++step) session.run(train);
  });
  Graph graph(server.target());
  const auto use = graph.as_default();
  Session session;
  const Reference expected = LocalReference(kSteps, kLocalSteps, GetParam());
  EXPECT_NEAR(session.read("w").scalar<double>(), expected.w, 1e-6);
  EXPECT_NEAR(session.read("v").scalar<double>(), expected.v, 1e-6);
  EXPECT_EQ(Operator(server.target()).Group().group().step(), kSteps / kLocalSteps * GetParam());
}

// What is restored is what the session reads, whatever its own copies were.
TEST(LocalTrainingTest, ARestoredVariableIsThatOfTheCheckpoint) {
  const ServerProcess server({"--sync", "local:workers=1,steps=100"});
  const TemporaryDirectory directory;
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{2}, .initializer = ones_initializer()});
  const Operation train = train::GradientDescentOptimizer(0.1).minimize(reduce_sum(w));
  train::Saver saver({w});
  Session session;
  for (const char* name : {"w.safetensors", "w.npz", "w.ckpt"}) {
    const std::string path = saver.save(session, (directory / name).string());
    for (int i = 0; i < 3; ++i) session.run(train);
    EXPECT_EQ(Summarize(session.run(w)), "[0.7 0.7]");
    saver.restore(session, path);
    EXPECT_EQ(Summarize(session.run(w)), "[1 1]");
  }
}

INSTANTIATE_TEST_SUITE_P(Fragments, LocalTest, ::testing::Values(1, 2));

// The final loss over all data of five workers that fit one line, the last of them perhaps mad.
float LossWithFive(const std::string& aggregate, bool poisoned) {
  const ServerProcess server({"--sync", "bsp:workers=5,aggregate=" + aggregate});
  constexpr int kPoints = 64;
  const auto data = [](int worker) {
    std::mt19937 random(worker);
    std::normal_distribution<float> noise(0, 0.3F);
    std::pair<Tensor, Tensor> points{Tensor(float32, Shape{kPoints}),
                                     Tensor(float32, Shape{kPoints})};
    for (int k = 0; k < kPoints; ++k) {
      const float x = static_cast<float>(k) / 16 - 2;
      points.first.mutable_data<float>()[k] = x;
      points.second.mutable_data<float>()[k] = 2 * x - 1 + noise(random);
    }
    return points;
  };
  const auto model = [](const Output& x, const Output& y) {
    const auto zero = [](const char* name) {
      return get_variable(name, {.shape = Shape{}, .initializer = zeros_initializer()});
    };
    return reduce_mean(square(x * zero("slope") + zero("offset") - y));
  };
  InThreads(server, 5, [&](int i) {
    const Output x = placeholder(float32, {kPoints});
    const Output y = placeholder(float32, {kPoints});
    Output loss = model(x, y);
    if (poisoned && i == 4) loss = loss * -6.0F;
    const Operation train = train::GradientDescentOptimizer(0.05).minimize(loss);
    Session session;
    const auto [xs, ys] = data(i);
    for (int step = 0; step < 150; ++step) session.run(train, {{x, xs}, {y, ys}});
  });
  Graph graph(server.target());
  const auto use = graph.as_default();
  const variable_scope reuse(get_variable_scope(), {.reuse = AUTO_REUSE});
  const Output x = placeholder(float32, {kPoints});
  const Output y = placeholder(float32, {kPoints});
  const Output loss = model(x, y);
  Session session;
  float total = 0;
  for (int i = 0; i < 5; ++i) {
    const auto [xs, ys] = data(i);
    total += session.run(loss, {{x, xs}, {y, ys}}).scalar<float>();
  }
  return total / 5;
}

TEST(RobustTest, OnePoisonedWorkerOfFiveChangesTheLossByLessThanTwoPercent) {
  const float clean = LossWithFive("trimmed_mean/1", false);
  const float poisoned = LossWithFive("trimmed_mean/1", true);
  EXPECT_NEAR(poisoned, clean, 0.02 * clean);
  // Which the mean would not survive.
  EXPECT_FALSE(LossWithFive("mean", true) < 2 * clean);
}

// One worker comes first: it cannot name the variables of others out of their group, neither where
// it says what they are called nor by taking their names.
TEST(RobustTest, WhoDefinesFirstDecidesNothing) {
  const std::string robust = "=bsp:workers=3,aggregate=median";
  const ServerProcess server({"--sync", "model" + robust, "--sync", "emb" + robust});
  const RawWorker raw(server.target(), "raw");
  v1::ResolveRequest request;
  v1::VariableDefinition& definition = *request.add_definitions() = ZerosOf("model/w", {});
  definition.set_name("evil");
  v1::ResolveResponse response;
  const grpc::Status status = raw.Call(&v1::ParameterServer::Stub::Resolve, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("'evil'"));
  Graph first(server.target(), {.worker_id = "first"});
  {
    const auto use = first.as_default();
    EXPECT_EQ(Variable(0.0F, {.name = "emb"}).name(), "emb:0");
  }
  InThreads(server, 3, [](int i) {
    const auto one = [](const char* name) {
      return get_variable(name, {.shape = Shape{}, .initializer = zeros_initializer()});
    };
    const Variable w = one("model/w");
    const Variable emb = one("emb");
    EXPECT_EQ(w.name(), "model/w:0");
    EXPECT_EQ(emb.name(), "emb_1:0");
    const float hostile = i == 2 ? 1e30F : 1;
    Session session;
    session.run(train::GradientDescentOptimizer(1.0).minimize((w + emb) * hostile));
    EXPECT_THROW(session.run(w.assign(7.0F)), InvalidArgumentError);
    EXPECT_THROW(session.run(emb.assign(7.0F)), InvalidArgumentError);
  });
  const auto use = first.as_default();
  Session session;
  EXPECT_EQ(session.read("model/w").scalar<float>(), -1);
  EXPECT_EQ(session.read("emb_1").scalar<float>(), -1);
}

TEST(GroupsTest, OneProgramTrainsVariablesOfSeveralGroups) {
  const ServerProcess server({"--sync", "dense=bsp:workers=2", "--sync", "embedding=async"});
  InThreads(server, 2, [](int) {
    const auto one = [](const char* name) {
      return get_variable(name, {.shape = Shape{}, .initializer = zeros_initializer()});
    };
    const Variable dense = one("dense/w");
    const Variable embedding = one("embedding/w");
    const Operation train = train::GradientDescentOptimizer(1.0).minimize(dense + embedding);
    Session session;
    for (int step = 0; step < 10; ++step) session.run(train);
  });
  Graph graph(server.target());
  const auto use = graph.as_default();
  Session session;
  EXPECT_EQ(session.read("dense/w").scalar<float>(), -10);
  EXPECT_EQ(session.read("embedding/w").scalar<float>(), -20);
}

// The worker splits its pushes by the server's groups, which a restart may change while the worker
// keeps its incarnation.
TEST(GroupsTest, AWorkerLearnsOfOtherGroupsAfterARestart) {
  const std::vector<std::vector<std::string>> all = {
      {},
      {"--sync", "a=bsp:workers=1"},
      {"--sync", "a=local:workers=1,steps=1", "--sync", "b=ssp"},
      {"--sync", "local:workers=1,steps=2"},
      {"--sync", "b=bsp:workers=1"},
  };
  const TemporaryDirectory directory;
  const auto flags = [&](size_t i) {
    std::vector<std::string> all_flags = {"--data-dir", directory / "data"};
    all_flags.insert(all_flags.end(), all[i].begin(), all[i].end());
    return all_flags;
  };
  ServerProcess server(flags(0));
  Graph graph(server.target(), {.worker_id = "w"});
  const auto use = graph.as_default();
  std::vector<Output> losses;
  for (const char* name : {"a/v", "b/v", "c"}) {
    const Variable v = get_variable(name, {.shape = Shape{2}, .initializer = ones_initializer()});
    losses.push_back(reduce_sum(v * v));
  }
  const Operation step =
      train::GradientDescentOptimizer(0.01).minimize(losses[0] + losses[1] + losses[2]);
  Session session;
  session.run(step);
  for (const size_t next : {1, 2, 3, 4, 0, 3, 1}) {
    EXPECT_EQ(server.Stop(), 0);
    server.Restart(flags(next));
    int refused = 0;
    for (int i = 0; i < 6; ++i) {
      try {
        session.run(step);
      } catch (const AbortedError& error) {
        ++refused;
        EXPECT_EQ(i, 0);
        EXPECT_THAT(error.what(), HasSubstr("other groups (--sync)"));
      }
    }
    EXPECT_LE(refused, 1) << "groups " << next;
    // A variable of no local group is the server's.
    Graph other(server.target(), {.worker_id = "other"});
    const auto use_other = other.as_default();
    const float theirs = Session().read("c").data<float>()[0];
    if (next == 3) continue;
    EXPECT_EQ(session.read("c").data<float>()[0], theirs) << "groups " << next;
  }
}

// Its answer was lost, and the server came back with other groups meanwhile.
TEST(GroupsTest, APushThatWasAppliedGetsItsAnswerWhateverTheGroupsAre) {
  const ServerProcess server;
  const RawWorker worker(server.target(), "w");
  Graph graph(server.target(), {.worker_id = "other"});
  const auto use = graph.as_default();
  get_variable("v", {.shape = Shape{2}, .initializer = zeros_initializer()});
  const auto push = [&](uint64_t sequence, uint64_t groups_version) {
    v1::TensorFrame frame;
    v1::FrameHeader& head = *frame.mutable_header();
    head.add_variables()->set_name("v");
    head.set_body_bytes(8);
    v1::PushHead& own = *head.mutable_push();
    own.set_sequence(sequence);
    own.set_groups_version(groups_version);
    v1::Assignment& add = *own.add_assignments();
    add.set_op(v1::Assignment::ADD);
    const std::array<float, 2> values = {1, 1};
    frame.set_body(std::string(reinterpret_cast<const char*>(values.data()), 8));
    grpc::ClientContext context;
    worker.Prepare(context);
    const auto stream = worker.stub().Exchange(&context);
    stream->Write(frame);
    v1::TensorFrame answer;
    EXPECT_TRUE(stream->Read(&answer));
    return answer.header();
  };
  const uint64_t known = worker.connected().groups_version();
  EXPECT_TRUE(push(1, known).has_pushed());
  EXPECT_TRUE(push(1, known + 1).has_pushed());
  EXPECT_EQ(push(2, known + 1).error().code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(Session().read("v").data<float>()[0], 1);
}

// One worker pushes to two groups from a thread each, the other to one after the other: whoever
// waits for a step of one group does not hold up the other's.
TEST(ThreadsTest, PushesToDifferentGroupsDoNotWaitForEachOther) {
  constexpr int kSteps = 20;
  const ServerProcess server(
      {"--sync", "a=bsp:workers=2,deadline=3600s", "--sync", "b=bsp:workers=2,deadline=3600s"});
  InThreads(server, 2, [&](int worker) {
    std::vector<Operation> steps;
    for (const char* name : {"a", "b"}) {
      const Variable v = get_variable(name, {.shape = Shape{1}, .initializer = ones_initializer()});
      steps.push_back(train::GradientDescentOptimizer(0.1).minimize(reduce_sum(v * v)));
    }
    Session session;
    if (worker == 0) {
      for (int i = 0; i < kSteps; ++i) {
        session.run(steps[1]);
        session.run(steps[0]);
      }
      return;
    }
    std::thread other([&] {
      for (int i = 0; i < kSteps; ++i) EXPECT_NO_THROW(session.run(steps[1]));
    });
    for (int i = 0; i < kSteps; ++i) EXPECT_NO_THROW(session.run(steps[0]));
    other.join();
  });
}

// More threads than the server remembers answers, through restarts of the server.
TEST(ThreadsTest, EachPushOfManyThreadsIsAppliedOnce) {
  constexpr int kThreads = 24;
  constexpr int kPushes = 50;
  const TemporaryDirectory directory;
  ServerProcess server({"--data-dir", directory / "data"});
  Graph graph(server.target(), {.worker_id = "w"});
  const auto use = graph.as_default();
  const Variable v = get_variable("v", {.shape = Shape{2}, .initializer = zeros_initializer()});
  const Operation add = v.assign_add(ones({2})).op();
  Session session;
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kPushes; ++k) {
        session.run(add);
        ++done;
      }
    });
  }
  for (const int at : {100, 500, 900}) {
    WaitUntil("some are done", [&] { return done >= at; });
    server.Kill();
    server.Restart();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(session.read("v").data<float>()[1], kThreads * kPushes);
}

}  // namespace
}  // namespace varscope::testing
