// Embedding tables in parts: workers train them by rows, and the parts become what one table does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/operator.h"
#include "tests/support/server_process.h"
#include "tests/support/table_worker.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

constexpr int64_t kWidth = 16;
constexpr int64_t kRowBytes = kWidth * sizeof(float);

// With a table in three parts.
class Trainer : public TableWorker {
 public:
  explicit Trainer(const ServerProcess& server)
      : TableWorker(server.target(),
                    {.shape = Shape{90'001, kWidth},
                     .initializer = zeros_initializer(),
                     .partitioner = fixed_size_partitioner(3)},
                    Shape::Unknown()) {}

  // The first number of each row.
  std::vector<float> FirstOf(const std::vector<int64_t>& ids) {
    const Tensor rows = LookUp(ids);
    std::vector<float> first;
    for (int64_t i = 0; i < rows.shape().dim(0); ++i) {
      first.push_back(rows.data<float>()[i * kWidth]);
    }
    return first;
  }
};

TEST(PartitionedRowsTest, WorkersTrainByRows) {
  const ServerProcess server;
  Trainer first(server);
  Trainer second(server);
  const std::vector<int64_t> ids = {0, 7, 90'000, 7, 5, 5, 5};
  constexpr int kSteps = 25;
  std::thread other([&] {
    for (int i = 0; i < kSteps; ++i) second.Train(ids);
  });
  for (int i = 0; i < kSteps; ++i) first.Train(ids);
  other.join();
  constexpr float kAll = 2 * kSteps;
  const std::vector<float> expected = {-kAll, -2 * kAll, -kAll, -3 * kAll, 0};
  EXPECT_EQ(first.FirstOf({0, 7, 90'000, 5, 1}), expected);
  EXPECT_EQ(second.FirstOf({0, 7, 90'000, 5, 1}), expected);
  // Rows 0, 90000 are of part 0, 7 of part 1, 5 of part 2.
  uint64_t pulled = 0;
  for (const std::string part : {"part_0", "part_1", "part_2"}) {
    pulled += Operator(server.target()).Describe("table/" + part).bytes_pulled();
  }
  EXPECT_LE(pulled, uint64_t{kRowBytes} * (2 * kSteps * 4 + 2 * 5));
  EXPECT_GT(pulled, 0U);
}

TEST(PartitionedRowsTest, NoIdsAtAllChangeNothing) {
  const ServerProcess server;
  Trainer trainer(server);
  trainer.Train({});
  trainer.Train({4, 4});
  EXPECT_EQ(trainer.FirstOf({4, 3, 5}), (std::vector<float>{-2, 0, 0}));
  EXPECT_EQ(trainer.FirstOf({}), std::vector<float>());
}

TEST(PartitionedRowsTest, LocalTrainingHasTheParts) {
  const ServerProcess server({"--sync", "local:steps=4"});
  Trainer trainer(server);
  trainer.Train({4, 4, 5});
  EXPECT_EQ(trainer.FirstOf({4, 3, 5}), (std::vector<float>{-2, 0, -1}));
}

using Make = std::function<train::Optimizer()>;

class PartitionedOptimizerTest : public ::testing::TestWithParam<std::pair<std::string, Make>> {};

// Rows that no id touches stay as they are in one table, and so do the others.
TEST_P(PartitionedOptimizerTest, ItTrainsPartsAsOneTable) {
  const ServerProcess server;
  const Graph graph(server.target());
  const auto use = graph.as_default();
  const Tensor start = Tensor::Of<float>({5, 1}, {1, 2, 3, 4, 5});
  const Variable whole = get_variable("whole", {.initializer = start});
  const Variable div = get_variable(
      "div",
      {.shape = Shape{5, 1}, .initializer = start, .partitioner = fixed_size_partitioner(2)});
  const Variable gathered = get_variable(
      "gathered",
      {.shape = Shape{5, 1}, .initializer = start, .partitioner = fixed_size_partitioner(2)});
  const Output ids = placeholder(int32, {3});
  const auto loss = [&](const Output& rows) { return reduce_sum(square(rows)); };
  const std::vector<std::pair<Variable, Output>> tables = {
      {whole, loss(gather(whole, ids))},
      {div, loss(nn::embedding_lookup(div, ids, "", "div"))},
      {gathered, loss(gather(gathered, ids))}};
  std::vector<Fetch> steps;
  for (const auto& [table, of] : tables) {
    steps.emplace_back(GetParam().second().minimize(of, {}, table.parts()));
  }
  Session session;
  for (const std::vector<int32_t>& batch :
       std::vector<std::vector<int32_t>>{{1, 1, 1}, {1, 3, 1}, {3, 4, 4}}) {
    session.run(steps, {{ids, Tensor::Of<int32_t>({3}, batch)}});
    const std::string expected = Summarize(session.run(reshape(whole, {-1})));
    EXPECT_EQ(Summarize(session.run(reshape(div, {-1}))), expected);
    EXPECT_EQ(Summarize(session.run(reshape(gathered, {-1}))), expected);
  }
  EXPECT_EQ(session.run(whole).data<float>()[2], 3);
}

INSTANTIATE_TEST_SUITE_P(
    All, PartitionedOptimizerTest,
    ::testing::Values(
        std::pair<std::string, Make>{"Ftrl", [] { return train::FtrlOptimizer(0.1); }},
        std::pair<std::string, Make>{"Momentum", [] { return train::MomentumOptimizer(0.1, 0.9); }},
        std::pair<std::string, Make>{"RMSProp", [] { return train::RMSPropOptimizer(0.1); }},
        std::pair<std::string, Make>{"Adagrad", [] { return train::AdagradOptimizer(0.1); }},
        std::pair<std::string, Make>{"Adadelta", [] { return train::AdadeltaOptimizer(0.1); }}),
    [](const auto& test) { return test.param.first; });

}  // namespace
}  // namespace varscope::testing
