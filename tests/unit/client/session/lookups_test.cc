// Only the rows of a table that a run looks up are pulled.
#include "client/session/lookups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/client/session/counting_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using Names = std::vector<std::string>;

class LookupTest : public PlanTest {
 protected:
  static constexpr int64_t kRows = 1000;
  static constexpr int64_t kWidth = 20;
  using Pulled = std::vector<std::pair<std::string, std::string>>;

  const Variable table_ = get_variable("table", {kRows, kWidth});
  const Output ids_ = placeholder(int64, Shape::Unknown(), "ids");
  const Feed five_ids_{ids_, Tensor::Of<int64_t>({5}, {7, 3, 7, 999, 0})};
};

TEST_F(LookupTest, OnlyItsRowsArePulledAndEachOnce) {
  const Output ids = placeholder(int64, {5}, "five_ids");
  const Output rows = gather(table_, ids);
  const Operation train = train::GradientDescentOptimizer(1).minimize(reduce_sum(square(rows)));
  Session session;
  const Tensor value = session.run({rows, train}, {{ids, five_ids_.second}})[0];
  ASSERT_EQ(value.shape(), (Shape{5, kWidth}));
  EXPECT_EQ(Summarize(value.Reshaped({5 * kWidth})), "[7 7 7 7 7 7 7 7 ...]");
  EXPECT_EQ(value.data<float>()[1 * kWidth], 3);
  EXPECT_EQ(value.data<float>()[3 * kWidth], 999);
  EXPECT_EQ(value.data<float>()[4 * kWidth], 1);
  EXPECT_EQ(store_->pulled_rows, (Pulled{{"table", "[7 3 999 0]"}}));
  ASSERT_EQ(store_->pushes.size(), 1U);
  const internal::PushRequest::Update& update = store_->pushes[0].steps[0].updates[0];
  EXPECT_EQ(Summarize(update.rows), "[7 3 999 0]");
  EXPECT_EQ(update.gradient.data<float>()[0], 28);
  EXPECT_EQ(update.gradient.data<float>()[kWidth], 6);
  EXPECT_EQ(update.base_version, store_->version);
}

TEST_F(LookupTest, SeveralLookupsAreOnePullInTheShapesOfTheirNumbers) {
  const Output more = ids_ + Output(constant(Tensor::Scalar<int64_t>(1)));
  const Output pair = reshape(gather(table_, ids_), {-1});
  const Output square = gather(table_, more);
  const Variable w = get_variable("w", {2});
  Session session;
  const std::vector<Tensor> values =
      session.run({pair, square, w + 1}, {{ids_, Tensor::Of<int64_t>({2, 2}, {1, 2, 998, 1})}});
  EXPECT_EQ(values[0].num_elements(), 4 * kWidth);
  EXPECT_EQ(values[1].shape(), (Shape{2, 2, kWidth}));
  EXPECT_EQ(values[1].data<float>()[1 * kWidth], 3);
  EXPECT_EQ(values[1].data<float>()[2 * kWidth], 999);
  EXPECT_EQ(Summarize(values[2]), "[2 2]");
  EXPECT_EQ(store_->pulls.size(), 1U);
  EXPECT_EQ(store_->pulled_rows, (Pulled{{"table", "[1 2 998 3 999]"}}));
}

TEST_F(LookupTest, WhatElseNeedsTheTableGetsItWhole) {
  const Output rows = gather(table_, ids_);
  Session session;
  session.run({rows, reduce_sum(table_)}, {five_ids_});
  session.run({rows, Output(table_)}, {five_ids_});
  const Output from_values = gather(table_, cast(gather(reshape(table_, {-1}), ids_), int64));
  session.run(from_values, {five_ids_});
  EXPECT_EQ(store_->pulls.size(), 3U);
  EXPECT_EQ(store_->pulled_rows, Pulled());
  // A fed table is not pulled at all.
  Tensor fed(float32, {kRows, kWidth});
  for (float& x : fed.mutable_values<float>()) x = 5;
  EXPECT_EQ(session.run(rows, {five_ids_, {Output(table_), fed}}).data<float>()[0], 5);
  EXPECT_EQ(store_->pulls.size(), 3U);
}

TEST_F(LookupTest, EachStageLooksUpItsOwnRows) {
  const Output before = gather(table_, ids_);
  Tensor ones(float32, {1, kWidth});
  const control_dependencies after({table_.scatter_add(Tensor::Of<int64_t>({1}, {3}), ones).op()});
  const Output now = gather(table_, ids_ + Output(constant(Tensor::Scalar<int64_t>(0))));
  Session().run({before, now}, {{ids_, Tensor::Of<int64_t>({2}, {3, 4})}});
  EXPECT_EQ(store_->pulled_rows, (Pulled{{"table", "[3 4]"}, {"table", "[3 4]"}}));
  EXPECT_EQ(store_->pushes.size(), 1U);
  // Numbers that the first stage has computed from variables are known in the second.
  const Output numbers = cast(reshape(gather(table_, Tensor::Of<int64_t>({1}, {5})), {-1}), int64);
  store_->pulled_rows.clear();
  Session().run({numbers, gather(table_, numbers)});
  EXPECT_EQ(store_->pulled_rows, Pulled());
}

TEST_F(LookupTest, OnlyRowsOfEachPartArePulledAndPushed) {
  const Variable parts = get_variable(
      "p", {.shape = Shape{2 * kRows + 1, kWidth}, .partitioner = fixed_size_partitioner(2)});
  const Tensor ids = Tensor::Of<int64_t>({2, 2}, {7, 2000, 7, 4});
  for (const std::string strategy : {"mod", "div"}) {
    const Output rows = nn::embedding_lookup(parts, ids_, "", strategy);
    const Operation train = train::GradientDescentOptimizer(1).minimize(reduce_sum(rows));
    const bool mod = strategy == "mod";
    store_->pulled_rows.clear();
    store_->pushes.clear();
    const Tensor value = Session().run({rows, train}, {{ids_, ids}})[0];
    EXPECT_EQ(value.shape(), (Shape{2, 2, kWidth}));
    EXPECT_EQ(value.data<float>()[0], mod ? 3 : 7);
    EXPECT_EQ(value.data<float>()[kWidth], mod ? 1000 : 999);
    EXPECT_EQ(value.data<float>()[3 * kWidth], mod ? 2 : 4);
    EXPECT_EQ(store_->pulled_rows, mod ? (Pulled{{"p/part_0", "[1000 2]"}, {"p/part_1", "[3]"}})
                                       : (Pulled{{"p/part_0", "[7 4]"}, {"p/part_1", "[999]"}}));
    ASSERT_EQ(store_->pushes.size(), 1U);
    Pulled pushed;
    for (const internal::PushRequest::Update& update : store_->pushes[0].steps[0].updates) {
      pushed.emplace_back(update.variable, Summarize(update.rows));
      EXPECT_EQ(update.gradient.num_elements(), update.rows.num_elements() * kWidth);
      EXPECT_EQ(update.base_version, store_->version);
    }
    EXPECT_EQ(pushed, store_->pulled_rows);
  }
}

TEST_F(LookupTest, AGatherFromAPartitionedVariablePushesRows) {
  const Variable parts = get_variable(
      "p", {.shape = Shape{2 * kRows, kWidth}, .partitioner = fixed_size_partitioner(2)});
  const Output rows = gather(parts, ids_);
  const Operation train = train::GradientDescentOptimizer(1).minimize(reduce_sum(rows));
  Session().run(train, {{ids_, Tensor::Of<int64_t>({3}, {7, 1999, 7})}});
  ASSERT_EQ(store_->pushes.size(), 1U);
  Pulled pushed;
  for (const internal::PushRequest::Update& update : store_->pushes[0].steps[0].updates) {
    pushed.emplace_back(update.variable, Summarize(update.rows));
  }
  EXPECT_EQ(pushed, (Pulled{{"p/part_0", "[7]"}, {"p/part_1", "[999]"}}));
}

TEST_F(LookupTest, MostOfATableOrASmallOneComesWhole) {
  const Variable small = get_variable("small", {kRows, 2});
  Session session;
  session.run(gather(small, ids_), {five_ids_});
  std::vector<int64_t> all(kRows);
  for (int64_t i = 0; i < kRows; ++i) all[i] = i % 501;
  const Tensor value =
      session.run(gather(table_, ids_), {{ids_, Tensor::Of<int64_t>({kRows}, all)}});
  EXPECT_EQ(value.data<float>()[500 * kWidth], 500);
  EXPECT_EQ(store_->pulled_rows, Pulled());
}

TEST_F(LookupTest, ARowThatIsNotThereIsNamedBeforeAnythingIsPulled) {
  Session session;
  const Output rows = gather(table_, ids_, "lookup");
  for (const int64_t bad : {int64_t{-1}, kRows}) {
    try {
      session.run(rows, {{ids_, Tensor::Of<int64_t>({2}, {0, bad})}});
      ADD_FAILURE() << bad;
    } catch (const InvalidArgumentError& error) {
      EXPECT_EQ(error.message(), "indices[1] = " + std::to_string(bad) +
                                     " is not in [0, 1000) [op 'lookup' (GatherV2)]");
    }
  }
  EXPECT_TRUE(store_->pulls.empty());
  EXPECT_EQ(session.run(rows, {{ids_, Tensor::Of<int64_t>({0}, {})}}).shape(), (Shape{0, kWidth}));
}

}  // namespace
}  // namespace varscope
