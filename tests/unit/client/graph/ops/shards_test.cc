// Look-ups in tables that several tensors hold, and gradients of rows through concat.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::HasSubstr;
using Rows = std::vector<std::vector<float>>;

constexpr int64_t kRowSize = 3;

class ShardsTest : public ::testing::Test {
 protected:
  ShardsTest() { internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>()); }

  // Of so many rows in all, the first shards one more than the others.
  std::vector<Rows> RandomShards(size_t n, int64_t total) {
    std::vector<Rows> shards(n);
    const auto count = static_cast<int64_t>(n);
    for (int64_t i = 0; i < count; ++i) {
      shards[i].resize(total / count + (i < total % count ? 1 : 0));
      for (std::vector<float>& row : shards[i]) {
        row.resize(kRowSize);
        for (float& x : row) x = std::uniform_real_distribution<float>(-1, 1)(random_);
      }
    }
    return shards;
  }
  static Tensor ToTensor(const Rows& rows) {
    Tensor tensor(float32, {static_cast<int64_t>(rows.size()), kRowSize});
    float* to = tensor.mutable_data<float>();
    for (const std::vector<float>& row : rows) to = std::copy(row.begin(), row.end(), to);
    return tensor;
  }
  // The rows in the order of the ids.
  static Rows InOrder(const std::vector<Rows>& shards, const std::string& strategy) {
    Rows all;
    size_t total = 0;
    for (const Rows& shard : shards) total += shard.size();
    all.reserve(total);
    for (size_t id = 0; strategy == "mod" && id < total; ++id) {
      all.push_back(shards[id % shards.size()][id / shards.size()]);
    }
    for (size_t i = 0; strategy == "div" && i < shards.size(); ++i) {
      all.insert(all.end(), shards[i].begin(), shards[i].end());
    }
    return all;
  }
  Tensor RandomIds(DType dtype, const Shape& shape, int64_t below) {
    std::vector<int64_t> ids(shape.num_elements());
    for (int64_t& id : ids) id = std::uniform_int_distribution<int64_t>(0, below - 1)(random_);
    if (dtype == int64) return Tensor::Of<int64_t>(shape, ids);
    return Tensor::Of<int32_t>(shape, std::vector<int32_t>(ids.begin(), ids.end()));
  }
  // Rows of a table: what a gradient is, summed up.
  static Rows Dense(const Tensor& values, const Tensor& indices, size_t rows) {
    Rows dense(rows, std::vector<float>(kRowSize, 0));
    for (int64_t i = 0; i < indices.num_elements(); ++i) {
      const int64_t row =
          indices.dtype() == int64 ? indices.data<int64_t>()[i] : indices.data<int32_t>()[i];
      for (int64_t k = 0; k < kRowSize; ++k) {
        dense[row][k] += values.data<float>()[i * kRowSize + k];
      }
    }
    return dense;
  }
  static void ExpectNear(const Rows& rows, const Rows& expected) {
    ASSERT_EQ(rows.size(), expected.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      for (int64_t k = 0; k < kRowSize; ++k) EXPECT_NEAR(rows[i][k], expected[i][k], 1e-4);
    }
  }
  static std::string Thrown(const std::function<void()>& make) {
    try {
      make();
    } catch (const ValueError& error) {
      return "ValueError: " + error.message();
    } catch (const InvalidArgumentError& error) {
      return "InvalidArgumentError: " + error.message();
    }
    return "nothing";
  }

  std::mt19937 random_{7};
  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
};

// Values, and two derivatives, as those of one table that has the rows in the order of the ids.
TEST_F(ShardsTest, AnyShardsAreAsOneTable) {
  const std::vector<Shape> shapes = {{}, {0}, {1}, {7}, {2, 3}, {2, 1, 4}};
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    const Graph graph;
    const ScopeGuard use = graph.as_default();
    internal::Unwrap(graph)->Connect(std::make_shared<testing::NoStore>());
    const std::string strategy = i % 2 == 0 ? "mod" : "div";
    const auto total = std::uniform_int_distribution<int64_t>(2, 12)(random_);
    const auto n = std::uniform_int_distribution<size_t>(2, 5)(random_);
    const std::vector<Rows> shards = RandomShards(n, total);
    const Tensor ids = RandomIds(i % 3 == 0 ? int32 : int64, shapes[i % shapes.size()], total);
    const bool known = i % 5 != 0;
    std::vector<Output> tables;
    std::vector<Feed> feeds;
    for (const Rows& rows : shards) {
      const Tensor value = ToTensor(rows);
      tables.push_back(known ? constant(value) : placeholder(float32));
      if (!known) feeds.emplace_back(tables.back(), value);
    }
    const Output numbers = i % 4 == 0 ? placeholder(ids.dtype()) : constant(ids);
    if (i % 4 == 0) feeds.emplace_back(numbers, ids);
    tables.push_back(constant(ToTensor(InOrder(shards, strategy))));
    const Output sharded = nn::embedding_lookup(std::vector<Input>(tables.begin(), --tables.end()),
                                                numbers, "", strategy);
    const Output plain = gather(tables.back(), numbers);
    if (known && i % 4 != 0) {
      EXPECT_EQ(sharded.shape(), plain.shape());
    }
    const Tensor value = Session().run(sharded, feeds);
    EXPECT_TRUE(BytesEqual(value, Session().run(plain, feeds)));

    const std::vector<Gradient> first =
        gradients({reduce_sum(pow(sharded, 3)), reduce_sum(pow(plain, 3))}, tables);
    std::vector<Output> slopes;
    slopes.reserve(first.size());
    for (const Gradient& gradient : first) slopes.push_back(reduce_sum(square(gradient.values)));
    const std::vector<Gradient> second = gradients(slopes, tables);
    for (const std::vector<Gradient>& derivative : {first, second}) {
      std::vector<Rows> dense;
      for (size_t t = 0; t < tables.size(); ++t) {
        ASSERT_TRUE(derivative[t].is_sparse());
        const std::vector<Tensor> rows =
            Session().run({derivative[t].values, derivative[t].indices}, feeds);
        dense.push_back(Dense(rows[0], rows[1], t < n ? shards[t].size() : total));
      }
      const Rows expected = std::move(dense.back());
      dense.pop_back();
      ExpectNear(InOrder(dense, strategy), expected);
    }
  }
}

TEST_F(ShardsTest, AnIdThatNoShardHasIsNamed) {
  const std::vector<Input> shards = {zeros({3, 2}), zeros({2, 2})};
  const Output ids = placeholder(int64);
  for (const std::string strategy : {"mod", "div"}) {
    const Output rows = nn::embedding_lookup(shards, ids, "", strategy);
    for (const int64_t bad : {int64_t{-1}, int64_t{5}, int64_t{1} << 40}) {
      const Tensor fed = Tensor::Of<int64_t>({2}, {4, bad});
      EXPECT_THAT(Thrown([&] {
                    Session().run(rows, {{ids, fed}});
                  }),
                  HasSubstr("InvalidArgumentError: indices[1] = " + std::to_string(bad) +
                            " is not in [0, 5)"));
    }
  }
  // Shards may be as large as they like; an id is where the strategy says.
  const std::vector<Input> uneven = {zeros({1, 2}), zeros({4, 2})};
  const Output rows = nn::embedding_lookup(uneven, ids);
  EXPECT_EQ(Thrown([&] {
              Session().run(rows, {{ids, Tensor::Of<int64_t>({2}, {7, 0})}});
            }),
            "nothing");
  EXPECT_THAT(Thrown([&] {
                Session().run(rows, {{ids, Tensor::Of<int64_t>({1}, {2})}});
              }),
              HasSubstr("indices[0] = 2 is row 1 of the 1. of 2 shards, which has 1 rows"));
}

TEST_F(ShardsTest, WhatDoesNotFitIsRefused) {
  const Output two = zeros({3, 2});
  const Tensor ids = Tensor::Of<int64_t>({1}, {0});
  const auto thrown = [&](const std::vector<Input>& shards, const std::string& strategy = "mod") {
    return Thrown([&] { nn::embedding_lookup(shards, ids, "", strategy); });
  };
  EXPECT_THAT(thrown({two, two}, "Mod"),
              HasSubstr("ValueError: Unrecognized partition strategy: Mod"));
  EXPECT_EQ(thrown({two}, "Mod"), "nothing");
  EXPECT_THAT(thrown({}), HasSubstr("ValueError: Need at least one param"));
  EXPECT_THAT(thrown({two, zeros({3, 4})}), HasSubstr("ValueError: "));
  EXPECT_THAT(thrown({two, zeros({3, 2}, float64)}), HasSubstr("ValueError: "));
  EXPECT_THAT(thrown({two, zeros({})}), HasSubstr("ValueError: "));
  EXPECT_THAT(thrown({two, Output()}), HasSubstr("ValueError: "));
  EXPECT_THAT(Thrown([&] {
                nn::embedding_lookup({two, two}, zeros({1}));
              }),
              HasSubstr("ValueError: "));
}

TEST_F(ShardsTest, NamesAreTensorFlows) {
  const std::vector<Input> shards = {zeros({3, 2}), zeros({2, 2})};
  const Tensor ids = Tensor::Of<int64_t>({1}, {0});
  EXPECT_EQ(nn::embedding_lookup(shards, ids).name(), "embedding_lookup:0");
  EXPECT_EQ(nn::embedding_lookup(shards, ids, "words").name(), "words:0");
}

// As TensorFlow's: along the rows those of each input, along columns all rows' own columns.
TEST_F(ShardsTest, GradientsOfRowsStayRowsThroughConcat) {
  const Output a = constant(Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
  const Output b = constant(Tensor::Of<float>({1, 2}, {5, 6}));
  const Output c = placeholder(float32, {-1, 2});
  const Tensor c_value = Tensor::Of<float>({2, 2}, {7, 8, 9, 10});
  const Output ids = constant(Tensor::Of<int32_t>({5}, {4, 1, 2, 1, 3}));
  const Output weights = constant(Tensor::Of<float>({5, 1}, {1, 2, 3, 4, 5}));
  for (const int axis : {0, -2}) {
    const Output picked = multiply(gather(concat({a, b, c}, axis), ids), weights);
    const std::vector<Gradient> slopes = gradients({reduce_sum(picked)}, {a, b, c});
    const std::vector<std::pair<std::string, std::string>> expected = {
        {"[2 2 4 4]", "[1 1]"}, {"[3 3]", "[0]"}, {"[1 1 5 5]", "[1 0]"}};
    for (size_t i = 0; i < slopes.size(); ++i) {
      ASSERT_TRUE(slopes[i].is_sparse());
      const std::vector<Tensor> rows =
          Session().run({reshape(slopes[i].values, {-1}), slopes[i].indices}, {{c, c_value}});
      EXPECT_EQ(Summarize(rows[0]), expected[i].first);
      EXPECT_EQ(Summarize(rows[1]), expected[i].second);
    }
  }
  const Output wide = concat({a, constant(Tensor::Of<float>({2, 1}, {8, 9}))}, 1);
  const Output scales = constant(Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Output picked = multiply(gather(wide, Tensor::Of<int32_t>({2}, {1, 1})), scales);
  const Gradient slope = gradients({reduce_sum(picked)}, {a})[0];
  ASSERT_TRUE(slope.is_sparse());
  EXPECT_EQ(Summarize(Session().run(reshape(slope.values, {-1}))), "[1 2 4 5]");
  EXPECT_EQ(Summarize(Session().run(slope.indices)), "[1 1]");
}

// A clipped norm counts repeated rows one by one, with parts and without.
TEST_F(ShardsTest, GlobalNormsAreThoseOfOneTable) {
  const std::vector<Output> parts = {zeros({2}), zeros({2})};
  const auto norm = [&](const Output& table, const std::vector<Output>& of) {
    const Output rows = gather(table, Tensor::Of<int32_t>({3}, {1, 1, 1}));
    return Session().run(global_norm(gradients({reduce_sum(rows)}, of))).scalar<float>();
  };
  const Output whole = zeros({4});
  EXPECT_FLOAT_EQ(norm(concat({parts[0], parts[1]}, 0), parts), norm(whole, {whole}));
}

}  // namespace
}  // namespace varscope
