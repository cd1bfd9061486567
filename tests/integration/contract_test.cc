// The naming contract between processes: one store, several programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "tests/conformance/report.h"
#include "tests/support/programs.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using conformance::Json;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

struct Step {
  Json actual;
  std::string detail;
  bool operator==(const Step&) const = default;
};

// Runs a program in a worker process of its own.
std::vector<Step> RunWorker(const ServerProcess& server, const std::string& worker,
                            const std::vector<Json>& body, const std::string& mode = "global") {
  Json program;
  program["body"] = body;
  program["expect"] = nullptr;
  const Finished finished =
      RunToEnd({Built("bin/varscope_test_worker"), "program", server.target(), worker, mode},
               program.dump());
  EXPECT_EQ(finished.code, 0) << finished.error;
  std::vector<Step> steps;
  std::istringstream lines(finished.output);
  for (std::string line; std::getline(lines, line);) {
    const Json step = Json::parse(line);
    steps.push_back({step["actual"], step["detail"]});
  }
  return steps;
}

Json GetVariable(const std::string& name, Json more = Json::object()) {
  Json step = {{"op", "get_variable"}, {"name", name}, {"shape", {2}}, {"as", name}};
  step.update(more);
  return step;
}

Json Scope(const std::string& name, const Json& reuse, const std::vector<Json>& body) {
  return {{"op", "variable_scope"}, {"as", "s"}, {"name", name}, {"reuse", reuse}, {"body", body}};
}

class ContractTest : public ::testing::Test {
 protected:
  ServerProcess server_;
};

TEST_F(ContractTest, WorkerBReusesWhatWorkerACreated) {
  RunWorker(server_, "a", {Scope("m", nullptr, {GetVariable("w")})});
  const std::vector<Step> b =
      RunWorker(server_, "b", {Scope("m", true, {GetVariable("w", {{"shape", nullptr}})})});
  EXPECT_EQ(b[1].actual["name"], "m/w:0");
  EXPECT_EQ(b[1].actual["shape"], Json({2}));
}

TEST_F(ContractTest, WorkerBIsRefusedWhatWorkerACreated) {
  RunWorker(server_, "a", {GetVariable("w")});
  const std::vector<Step> b = RunWorker(server_, "b", {GetVariable("w")});
  EXPECT_EQ(b[0].actual["error"], "ValueError");
  EXPECT_EQ(b[0].actual["message"],
            "Variable w already exists, disallowed. Did you mean to set reuse=True or "
            "reuse=tf.AUTO_REUSE in VarScope?");
  EXPECT_THAT(b[0].detail, AllOf(HasSubstr("worker 'a'"), HasSubstr("worker 'b'"),
                                 HasSubstr("interpreter.cc:")));
}

TEST_F(ContractTest, WorkerBMissesWhatNobodyCreated) {
  const std::vector<Step> b = RunWorker(server_, "b", {Scope("m", true, {GetVariable("w")})});
  EXPECT_EQ(b[1].actual["message"],
            "Variable m/w does not exist, or was not created with tf.get_variable(). Did you mean "
            "to set reuse=tf.AUTO_REUSE in VarScope?");
}

TEST_F(ContractTest, AutoReuseAttachesAndTheFirstInitializerStays) {
  RunWorker(server_, "a", {Scope("m", "auto", {GetVariable("w", {{"initializer", "ones"}})})});
  RunWorker(server_, "b", {Scope("m", "auto", {GetVariable("w", {{"initializer", "zeros"}})})});
  Graph graph(server_.target());
  const auto use = graph.as_default();
  Session session;
  EXPECT_EQ(session.read("m/w").data<float>()[0], 1);
}

TEST_F(ContractTest, EveryMismatchShowsBothDefinitions) {
  const Json partitioned = {{"partitions", 2}};
  RunWorker(server_, "a", {Scope("m", nullptr, {GetVariable("w"), GetVariable("p", partitioned)})});
  const std::vector<std::pair<Json, std::string>> cases = {
      {GetVariable("w", {{"shape", {3}}}),
       "Trying to share variable m/w, but specified shape (3,) and found shape (2,)."},
      {GetVariable("w", {{"dtype", "float64"}}),
       "Trying to share variable m/w, but specified dtype float64 and found dtype float32."},
      {GetVariable("w", {{"trainable", false}}),
       "Trying to share variable m/w, but specified trainable False and found trainable True."},
      {GetVariable("w", partitioned),
       "A partitioner was provided, but an unpartitioned version of the variable was found: m/w.  "
       "Perhaps a variable of the same name was already created without partitioning?"},
      {GetVariable("p"),
       "No partitioner was provided, but a partitioned version of the variable was found: "
       "m/p/part_0. Perhaps a variable of the same name was already created with partitioning?"},
      {GetVariable("p", {{"partitions", 1}}),
       "Trying to reuse partitioned variable m/p, but specified partitions [1] and found "
       "partitions [2]."},
  };
  for (const auto& [step, message] : cases) {
    const std::vector<Step> b = RunWorker(server_, "b", {Scope("m", "auto", {step})});
    EXPECT_EQ(b[1].actual["message"], message);
    EXPECT_THAT(b[1].detail,
                AllOf(HasSubstr("defined:"), HasSubstr("worker 'a'"), HasSubstr("requested:"),
                      HasSubstr("worker 'b'"), HasSubstr("interpreter.cc:")))
        << message;
  }
}

TEST_F(ContractTest, AWorkerThatComesBackAttachesToWhatItHadCreated) {
  const std::vector<Json> program = {
      Scope("m", nullptr, {GetVariable("w"), GetVariable("p", {{"partitions", 2}})}),
      {{"op", "Variable"}, {"value", {2.0}}, {"as", "v"}, {"name", "v"}}};
  const std::vector<Step> first = RunWorker(server_, "a", program);
  EXPECT_EQ(RunWorker(server_, "a", program), first);
}

TEST_F(ContractTest, ReplicasOfOneProgramShareEverything) {
  const std::vector<Json> program = {
      Scope("m", nullptr, {GetVariable("w"), GetVariable("p", {{"partitions", 2}})}),
      {{"op", "Variable"}, {"value", {2.0}}, {"as", "v"}, {"name", "v"}},
      {{"op", "Variable"}, {"value", {3.0}}, {"as", "u"}, {"name", "v"}},
      Scope("m", true, {GetVariable("w")}),
      GetVariable("m/w")};
  const std::vector<Step> first = RunWorker(server_, "a", program, "replicated");
  const std::vector<Step> second = RunWorker(server_, "b", program, "replicated");
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].actual, second[i].actual);
  // Checked inside the graph: the second m/w is refused in each copy.
  EXPECT_EQ(second[7].actual["error"], "ValueError");
  Graph graph(server_.target());
  const auto use = graph.as_default();
  Session session;
  EXPECT_EQ(session.read("v_1").scalar<float>(), 3);
  EXPECT_THROW(session.read("v_2"), NotFoundError);
}

TEST_F(ContractTest, VariableIsUniqueAcrossTheStoreInGlobalMode) {
  const std::vector<Json> program = {
      {{"op", "Variable"}, {"value", {2.0}}, {"as", "v"}, {"name", "v"}}};
  EXPECT_EQ(RunWorker(server_, "a", program)[0].actual["name"], "v:0");
  EXPECT_EQ(RunWorker(server_, "b", program)[0].actual["name"], "v_1:0");
}

TEST_F(ContractTest, SixtyFourThreadsInEightProcessesRaceForAHundredNames) {
  constexpr int kProcesses = 8;
  constexpr int kThreads = 8;
  std::vector<std::unique_ptr<CapturedProcess>> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.push_back(std::make_unique<CapturedProcess>(std::vector<std::string>{
        Built("bin/varscope_test_worker"), "race", server_.target(), "p" + std::to_string(i),
        std::to_string(kThreads), "100", std::to_string(kProcesses * kThreads)}));
  }
  std::vector<std::string> sums;
  for (const auto& process : processes) {
    const Finished finished = process->Wait();
    ASSERT_EQ(finished.code, 0) << finished.error;
    std::istringstream lines(finished.output);
    for (std::string line; std::getline(lines, line);) sums.push_back(line);
  }
  ASSERT_EQ(sums.size(), kProcesses * kThreads);
  EXPECT_THAT(sums, Each(sums[0]));
  const Finished list = server_.Ctl({"list", "race/"});
  EXPECT_THAT(list.output, HasSubstr("\n100 variables,"));
}

// A random program at the root: scopes with shared names in every reuse mode, partitioned and plain
// variables, and Variable(), whose names only the store can keep apart.
std::vector<Json> RandomProgram(uint32_t seed) {
  std::mt19937 random(seed);
  const auto pick = [&](const Json& choices) { return choices[random() % choices.size()]; };
  std::vector<Json> body;
  for (int i = 0; i < 12; ++i) {
    if (random() % 4 == 0) {
      body.push_back(
          {{"op", "Variable"}, {"value", {2.0}}, {"as", "u"}, {"name", pick({"v", "u"})}});
      continue;
    }
    std::vector<Json> inner;
    for (int k = 0; k < 3; ++k) {
      Json get = GetVariable(pick({"w", "b"}), {{"shape", pick({{2}, {2}, {4}, nullptr})}});
      if (random() % 5 == 0) get["partitions"] = 2;
      if (random() % 8 == 0) get["dtype"] = "float64";
      if (random() % 8 == 0) get["initializer"] = "ones";
      inner.push_back(get);
    }
    body.push_back(Scope(pick({"x", "y", "x/z"}), pick({nullptr, nullptr, true, "auto"}), inner));
  }
  return body;
}

// Names of ops count up inside one graph; what two workers share are the variables.
std::vector<Json> Outcomes(const std::vector<Step>& steps) {
  std::vector<Json> outcomes;
  for (const Step& step : steps) {
    if (step.actual.contains("global_variables") || step.actual.contains("reuse")) continue;
    Json outcome = step.actual;
    outcome.erase("same_as");
    outcomes.push_back(outcome);
  }
  return outcomes;
}

TEST(SplitProgramTest, AProgramCutInTwoBetweenTwoWorkersGivesTheSameVariables) {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    const std::vector<Json> body = RandomProgram(seed);
    const ServerProcess alone;
    const ServerProcess shared;
    const std::vector<Json> expected = Outcomes(RunWorker(alone, "a", body));
    const auto cut = body.begin() + static_cast<int64_t>(body.size() / 2);
    std::vector<Json> actual = Outcomes(RunWorker(shared, "a", {body.begin(), cut}));
    const std::vector<Json> rest = Outcomes(RunWorker(shared, "b", {cut, body.end()}));
    actual.insert(actual.end(), rest.begin(), rest.end());
    EXPECT_EQ(actual, expected) << "seed " << seed;
    const auto names = [](const ServerProcess& server) {
      std::istringstream lines(server.Ctl({"list"}).output);
      std::vector<std::string> names;
      for (std::string line; std::getline(lines, line);)
        names.push_back(line.substr(0, line.find("  ")));
      return names;
    };
    EXPECT_EQ(names(shared), names(alone)) << "seed " << seed;
  }
}

// A graph whose variables the server refuses is not connected to it.
TEST_F(ContractTest, ARefusedSessionLeavesTheGraphUnconnected) {
  Graph other(server_.target(), {.worker_id = "other"});
  {
    const auto use = other.as_default();
    get_variable("b", {.shape = Shape{3}, .initializer = ones_initializer()});
  }
  Graph graph;
  const auto use = graph.as_default();
  const Variable a = get_variable("a", {.shape = Shape{2}, .reuse = AUTO_REUSE});
  const Variable b = get_variable("b", {.shape = Shape{2}, .reuse = AUTO_REUSE});
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_THROW(Session(server_.target()), ValueError);
    EXPECT_FALSE(graph.connected());
    EXPECT_THROW(Session(), ValueError);
    EXPECT_EQ(a.name(), "a:0");
  }
}

}  // namespace
}  // namespace varscope::testing
