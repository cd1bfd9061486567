// Embedding tables: workers pull and push the rows that they look up, never the table.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/operator.h"
#include "tests/support/server_process.h"
#include "tests/support/table_worker.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

constexpr int64_t kRows = 100'000;
constexpr int64_t kWidth = 16;
constexpr int64_t kRowBytes = kWidth * sizeof(float);

uint64_t BytesPulled(const ServerProcess& server, const std::string& name) {
  return Operator(server.target()).Describe(name).bytes_pulled();
}

// With a table of random numbers.
class Reader : public TableWorker {
 public:
  explicit Reader(const ServerProcess& server, ConnectOptions options = {})
      : TableWorker(
            server.target(),
            {.shape = Shape{kRows, kWidth}, .initializer = random_uniform_initializer(-1, 1, 7)},
            {3}, std::move(options)) {}
};

void ExpectRows(const Tensor& rows, const Tensor& table, const std::vector<int64_t>& ids) {
  ASSERT_EQ(rows.shape(), (Shape{static_cast<int64_t>(ids.size()), kWidth}));
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(std::memcmp(rows.raw() + i * kRowBytes, table.raw() + ids[i] * kRowBytes, kRowBytes),
              0)
        << "row " << ids[i];
  }
}

TEST(RowsTest, OnlyTheRowsTravel) {
  const ServerProcess server;
  Reader reader(server);
  const std::vector<int64_t> ids = {99'999, 0, 99'999};
  const Tensor rows = reader.LookUp(ids);
  EXPECT_EQ(BytesPulled(server, "table"), 2 * kRowBytes);
  ExpectRows(rows, reader.Whole(), ids);
}

TEST(RowsTest, EachLookupSeesTheStepsBeforeIt) {
  const ServerProcess server;
  Reader reader(server);
  Reader other(server);
  const std::vector<int64_t> ids = {5, 70'000, 5};
  const Tensor before = reader.LookUp(ids);
  other.Train(ids);
  const Tensor after = reader.LookUp(ids);
  EXPECT_EQ(after.data<float>()[0], before.data<float>()[0] - 2);
  EXPECT_EQ(after.data<float>()[kWidth], before.data<float>()[kWidth] - 1);
  ExpectRows(after, reader.Whole(), ids);
}

TEST(RowsTest, TheyAreOfOneConsistentRead) {
  const ServerProcess server;
  Reader reader(server);
  const Tensor start = reader.LookUp({1, 2, 3});
  std::thread trainer([&server] {
    Reader other(server);
    for (int i = 0; i < 200; ++i) other.Train({1, 2, 3});
  });
  const auto steps = [&](const Tensor& now, int64_t row) {
    const int64_t last = row * kWidth + kWidth - 1;
    return std::lround(start.data<float>()[last] - now.data<float>()[last]);
  };
  for (int i = 0; i < 200; ++i) {
    const Tensor now = reader.LookUp({1, 2, 3});
    EXPECT_EQ(steps(now, 0), steps(now, 1));
    EXPECT_EQ(steps(now, 0), steps(now, 2));
  }
  trainer.join();
  EXPECT_EQ(steps(reader.LookUp({1, 2, 3}), 0), 200);
}

TEST(RowsTest, ARestartedServerHasThem) {
  const TemporaryDirectory data;
  ServerProcess server({"--data-dir", data.path()});
  Reader reader(server);
  reader.Train({1, 2, 3});
  const Tensor before = reader.LookUp({1, 2, 3});
  server.Kill();
  server.Restart();
  EXPECT_TRUE(BytesEqual(reader.LookUp({1, 2, 3}), before));
}

TEST(RowsTest, TheyComeRoundedWhereTheProgramSaysSo) {
  const ServerProcess server;
  Reader reader(server, {.compression = {{.prefix = "", .pull = Encoding::kBfloat16}}});
  const Tensor rows = reader.LookUp({7, 8, 9});
  EXPECT_EQ(BytesPulled(server, "table"), 3 * kRowBytes / 2);
  const float exact = reader.Whole().data<float>()[8 * kWidth];
  EXPECT_NE(rows.data<float>()[kWidth], exact);
  EXPECT_NEAR(rows.data<float>()[kWidth], exact, 1.0 / 256);
}

// Workers that train on copies of their own look up in those.
TEST(RowsTest, LocalTrainingHasTheTable) {
  const ServerProcess server({"--sync", "local:steps=4"});
  Reader reader(server);
  const Tensor before = reader.LookUp({1, 2, 3});
  reader.Train({1, 2, 3});
  EXPECT_EQ(reader.LookUp({1, 2, 3}).data<float>()[0], before.data<float>()[0] - 1);
}

}  // namespace
}  // namespace varscope::testing
