// Ops whose shapes depend on values: what is known before a run, and what a run gives and refuses.
#include "varscope/array_ops.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "tests/support/tensors.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

class ArrayOpsTest : public ::testing::Test {
 protected:
  ArrayOpsTest() { internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>()); }

  std::string Run(const Output& y, const std::vector<Feed>& feeds = {}) {
    return Summarize(Session().run(y, feeds), 20);
  }
  static Output Slope(const Output& y, const Output& x) {
    return gradients({y}, std::vector<Output>{x})[0].values;
  }
  static Output Ints(const std::vector<int32_t>& values) {
    return constant(Tensor::Of<int32_t>({static_cast<int64_t>(values.size())}, values));
  }

  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
  Output x_ = placeholder(float32, {-1, 3});
  std::vector<Feed> feed_ = {{x_, Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})}};
};

TEST_F(ArrayOpsTest, ShapesAreKnownAsFarAsTheyFollow) {
  const Output rows = strided_slice(shape(x_), Ints({0}), Ints({1}), Ints({1}), {.shrink_axis = 1});
  EXPECT_EQ(rows.shape(), Shape{});
  const Output flat = reshape_to(x_, stack({rows, constant(3), constant(1)}));
  EXPECT_EQ(flat.shape().ToString(), "(None, 3, 1)");
  EXPECT_EQ(Session().run(flat, feed_).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(fill(shape(x_), 7).shape().ToString(), "(None, 3)");
  EXPECT_EQ(Run(fill(shape(x_), 7), feed_), "[7 7 7 7 7 7]");
  EXPECT_EQ(range(0, 10, 3).shape(), Shape{4});
  EXPECT_EQ(Run(range(0, 10, 3)), "[0 3 6 9]");
  EXPECT_EQ(Run(range(0, rows, 1), feed_), "[0 1]");
  EXPECT_EQ(Run(range(1.0, 0.0, -0.25)), "[1 0.75 0.5 0.25]");
  EXPECT_EQ(Run(size(x_), feed_), "[6]");
  EXPECT_EQ(Run(rank(x_), feed_), "[2]");
  EXPECT_EQ(Run(Slope(square(reshape_to(x_, Ints({-1}))), x_), feed_), "[2 4 6 8 10 12]");
  EXPECT_EQ(Run(Slope(square(fill(shape(x_), reduce_sum(x_))), x_), feed_),
            "[252 252 252 252 252 252]");
  EXPECT_THROW(Run(reshape_to(x_, Ints({4})), feed_), InvalidArgumentError);
  EXPECT_THROW(Run(reshape_to(x_, stack({rows, 4})), feed_), InvalidArgumentError);
  EXPECT_THROW(fill(Ints({-2}), 1), ValueError);
}

TEST_F(ArrayOpsTest, Repeats) {
  EXPECT_EQ(Run(tile_by(x_, Ints({2, 1})), feed_), "[1 2 3 4 5 6 1 2 3 4 5 6]");
  EXPECT_EQ(tile_by(x_, Ints({2, 2})).shape().ToString(), "(None, 6)");
  const Output weights = constant({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(Run(Slope(tile_by(x_, Ints({1, 2})) * weights, x_), feed_), "[5 7 9 5 7 9]");
  const Output row = constant({1, 2, 3});
  EXPECT_EQ(Run(broadcast_to(row, shape(x_)), feed_), "[1 2 3 1 2 3]");
  EXPECT_EQ(Run(Slope(square(broadcast_to(row, shape(x_))), row), feed_), "[4 8 12]");
  EXPECT_THROW(Run(broadcast_to(row, Ints({2, 2}))), ValueError);
}

TEST_F(ArrayOpsTest, Slices) {
  const auto slice_of = [&](const std::vector<int32_t>& begin, const std::vector<int32_t>& end,
                            const std::vector<int32_t>& strides, const SliceMasks& masks) {
    return strided_slice(x_, Ints(begin), Ints(end), Ints(strides), masks);
  };
  EXPECT_EQ(Run(slice_of({0, 2}, {0, 0}, {1, -1}, {.end = 3}), feed_), "[3 2 1 6 5 4]");
  EXPECT_EQ(Run(slice_of({-1}, {0}, {1}, {.shrink_axis = 1}), feed_), "[4 5 6]");
  const Output last = slice_of({0, -1}, {0, 0}, {1, 1}, {.ellipsis = 1, .shrink_axis = 2});
  EXPECT_EQ(last.shape().ToString(), "(None,)");
  EXPECT_EQ(Run(last, feed_), "[3 6]");
  EXPECT_EQ(slice_of({0, 0}, {0, 2}, {1, 1}, {.begin = 2, .new_axis = 1}).shape().ToString(),
            "(1, None, 3)");
  EXPECT_EQ(Run(Slope(square(last), x_), feed_), "[0 0 6 0 0 12]");
  const Output index = placeholder(int32, {});
  const Output picked =
      strided_slice(x_, stack({index}), stack({index + 1}), Ints({1}), {.shrink_axis = 1});
  const auto at = [&](int32_t i) {
    return std::vector<Feed>{feed_[0], {index, Tensor::Scalar(i)}};
  };
  EXPECT_EQ(Run(picked, at(1)), "[4 5 6]");
  EXPECT_THROW(Run(picked, at(2)), InvalidArgumentError);
  EXPECT_THROW(slice_of({0, 3}, {0, 0}, {1, 1}, {.shrink_axis = 2}), ValueError);
  EXPECT_THROW(slice_of({0}, {1}, {0}, {}), ValueError);
}

TEST_F(ArrayOpsTest, PicksAndPlaces) {
  EXPECT_EQ(Run(where(greater(x_, 3)), feed_), "[1 0 1 1 1 2]");
  const Unique distinct = unique(constant(Tensor::Of<int32_t>({5}, {7, 3, 7, 9, 3})));
  EXPECT_EQ(Run(distinct.y), "[7 3 9]");
  EXPECT_EQ(Run(distinct.idx), "[0 1 0 2 1]");
  const Output at = constant(Tensor::Of<int32_t>({2, 2}, {1, 2, 0, 0}));
  EXPECT_EQ(Run(gather_nd(x_, at), feed_), "[6 1]");
  EXPECT_EQ(Run(Slope(square(gather_nd(x_, at)), x_), feed_), "[2 0 0 0 0 12]");
  const Output rows = constant(Tensor::Of<int32_t>({2, 1}, {2, 2}));
  EXPECT_EQ(Run(scatter_nd(rows, x_, Ints({3, 3})), feed_), "[0 0 0 0 0 0 5 7 9]");
  EXPECT_THROW(Run(gather_nd(x_, constant(Tensor::Of<int32_t>({1, 1}, {2}))), feed_),
               InvalidArgumentError);
  EXPECT_EQ(Run(reverse(x_, {1}), feed_), "[3 2 1 6 5 4]");
  EXPECT_EQ(Run(reverse_sequence(x_, Ints({2, 3}), 1), feed_), "[2 1 3 6 5 4]");
  EXPECT_THROW(Run(reverse_sequence(x_, Ints({4, 3}), 1), feed_), InvalidArgumentError);
  const Largest two = top_k(x_, 2);
  EXPECT_EQ(Run(two.values, feed_), "[3 2 6 5]");
  EXPECT_EQ(Run(two.indices, feed_), "[2 1 2 1]");
  EXPECT_EQ(Run(Slope(square(two.values), x_), feed_), "[0 4 6 0 10 12]");
  EXPECT_EQ(Run(in_top_k(x_, Ints({1, 0}), 2), feed_), "[1 0]");
  EXPECT_EQ(Run(unsorted_segment_sum(x_, Ints({1, 1}), 3), feed_), "[0 0 0 5 7 9 0 0 0]");
  EXPECT_EQ(Run(Slope(square(unsorted_segment_sum(x_, Ints({1, -1}), 3)), x_), feed_),
            "[2 4 6 0 0 0]");
  EXPECT_EQ(Run(cumsum(x_, 1), feed_), "[1 3 6 4 9 15]");
  EXPECT_EQ(Run(cumprod(x_, 0, true), feed_), "[1 1 1 1 2 3]");
}

// No number stands for one that is not known: a program may feed any.
TEST_F(ArrayOpsTest, AnyNumberMayBeFed) {
  const Output bytes = placeholder(uint8, {3});
  const Output at = placeholder(int64, {1});
  const Output step = placeholder(int64, {1});
  const auto run = [&](const Output& y, int64_t i, int64_t by = 1) {
    return Run(y, {{bytes, Tensor::Of<uint8_t>({3}, {7, 8, 9})},
                   {at, Tensor::Of<int64_t>({1}, {i})},
                   {step, Tensor::Of<int64_t>({1}, {by})}});
  };
  const Output one = strided_slice(bytes, at, at, step, {.shrink_axis = 1});
  const Output all = strided_slice(bytes, at, at, step, {.end = 1});
  EXPECT_EQ(run(one, -1), "[9]");
  EXPECT_EQ(run(all, 0, INT64_MAX), "[7]");
  EXPECT_EQ(run(all, 2, INT64_MIN), "[9]");
  EXPECT_EQ(run(all, INT64_MIN, 2), "[7 9]");
  EXPECT_EQ(run(all, INT64_MAX, -2), "[9 7]");
  for (const int64_t outside : {INT64_MIN, INT64_MIN + 1, INT64_MAX, int64_t{3}}) {
    EXPECT_THROW(run(one, outside), InvalidArgumentError) << outside;
    EXPECT_THROW(strided_slice(bytes, constant(Tensor::Of<int64_t>({1}, {outside})), Ints({0}),
                               Ints({1}), {.shrink_axis = 1}),
                 ValueError)
        << outside;
  }
  EXPECT_THROW(run(tile_by(bytes, at), INT64_MIN), InvalidArgumentError);
  EXPECT_THROW(run(fill(at, 1), INT64_MIN), InvalidArgumentError);
  EXPECT_THROW(run(reshape_to(bytes, at), INT64_MIN), InvalidArgumentError);
}

// What is known before a run is what the run computes, in its dtype.
TEST_F(ArrayOpsTest, KnownNumbersAreThoseOfTheRun) {
  const Output large = cast(constant(Tensor::Of<int64_t>({1}, {(int64_t{1} << 32) + 3})), int32);
  EXPECT_EQ(fill(large, 1).shape(), Shape{3});
  EXPECT_EQ(Run(fill(large, 1)), "[1 1 1]");
  const Output most = Ints({INT32_MAX});
  EXPECT_EQ(fill(most + most + 4, 1).shape(), Shape{2});
  EXPECT_EQ(Run(fill(most * most + 1, 1)), "[1 1]");
  EXPECT_THROW(fill(most + 1, 1), ValueError);  // -2^31
}

TEST_F(ArrayOpsTest, NumbersOfDeepAndOfSharedOpsAreKnown) {
  Output deep = Ints({2});
  Output shared = Ints({1});
  for (int i = 0; i < 50000; ++i) deep = deep + 0;
  for (int i = 0; i < 100; ++i) shared = multiply(shared, shared);
  EXPECT_EQ(fill(deep, 1).shape(), Shape{2});
  EXPECT_EQ(fill(shared, 1).shape(), Shape{1});
}

TEST_F(ArrayOpsTest, RangesAreCountedInTheirDType) {
  EXPECT_EQ(Run(range(0.0, 0.3F, 0.1F)), "[0 0.1 0.2]");
  const auto of = [](int64_t number) { return constant(Tensor::Scalar(number)); };
  EXPECT_EQ(Run(range(of(INT64_MAX - 5), of(INT64_MAX), of(3))),
            "[9223372036854775802 9223372036854775805]");
  EXPECT_EQ(range(of(0), of((int64_t{1} << 53) + 1), of(1)).shape(), Shape{(int64_t{1} << 53) + 1});
  EXPECT_EQ(Run(range(of(INT64_MIN), of(INT64_MAX), of(INT64_MAX))),
            "[-9223372036854775808 -1 9223372036854775806]");
  EXPECT_THROW(range(of(INT64_MIN), of(INT64_MAX), of(1)), ValueError);
  EXPECT_EQ(Run(range(2, 2, -1)), "[]");
}

TEST_F(ArrayOpsTest, NoRangeLeadsAwayFromItsLimit) {
  EXPECT_THROW(range(5, 0, 1), ValueError);
  EXPECT_THROW(range(0, 5, -1), ValueError);
  EXPECT_THROW(range(0, 5, 0), ValueError);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const Output limit = placeholder(float32, {});
  const auto to = [&](float end) { return std::vector<Feed>{{limit, Tensor::Scalar(end)}}; };
  EXPECT_EQ(Run(range(0.0, limit, 1.0), to(2)), "[0 1]");
  EXPECT_THROW(Run(range(0.0, limit, 1.0), to(-2)), InvalidArgumentError);
  EXPECT_THROW(Run(range(0.0, limit, -1.0), to(2)), InvalidArgumentError);
  EXPECT_THROW(Run(range(0.0, limit, 1.0), to(kNan)), InvalidArgumentError);
  EXPECT_THROW(Run(range(limit, 2.0, 1.0), to(kNan)), InvalidArgumentError);
  EXPECT_THROW(Run(range(0.0, 2.0, limit), to(kNan)), InvalidArgumentError);
}

// The places of the largest are an output that a program may feed.
TEST_F(ArrayOpsTest, PlacesOutsideAreRefused) {
  const Largest two = top_k(x_, 2);
  const Output weights = placeholder(float32);
  const Output first = gradients({two.values}, std::vector<Output>{x_}, {weights})[0].values;
  const Output again = placeholder(float32);
  const Output second = gradients({first}, std::vector<Output>{weights}, {again})[0].values;
  const auto feeds = [&](const Tensor& places) {
    std::vector<Feed> feeds = feed_;
    feeds.emplace_back(two.indices, places);
    feeds.emplace_back(weights, Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
    feeds.emplace_back(again, Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
    return feeds;
  };
  const Tensor inside = Tensor::Of<int32_t>({2, 2}, {0, 2, 1, 1});
  EXPECT_EQ(Run(first, feeds(inside)), "[1 0 2 0 7 0]");
  EXPECT_EQ(Run(second, feeds(inside)), "[1 3 5 5]");
  for (const Tensor& places :
       {Tensor::Of<int32_t>({2, 2}, {0, 3, 1, 1}), Tensor::Of<int32_t>({2, 2}, {-1, 2, 1, 1}),
        Tensor::Of<int32_t>({2, 2}, {0, 1 << 28, 1, 1}), Tensor::Of<int32_t>({1, 2}, {0, 1})}) {
    EXPECT_THROW(Run(first, feeds(places)), InvalidArgumentError) << Summarize(places);
    EXPECT_THROW(Run(second, feeds(places)), InvalidArgumentError) << Summarize(places);
  }
  for (const Shape& shape : {Shape{1, 3}, Shape{3}, Shape{}, Shape{2, 1}, Shape{0, 3}}) {
    std::vector<Feed> feeds = feed_;
    feeds.emplace_back(weights, Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
    feeds.emplace_back(again, testing::Zeros(float32, shape));
    EXPECT_THROW(Run(second, feeds), InvalidArgumentError) << shape.ToString();
  }
}

TEST_F(ArrayOpsTest, PlacesInOrder) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Output x = constant(Tensor::Of<float>({2, 3}, {3, nan, 3, -1, 7, 5}));
  EXPECT_EQ(Run(argsort(x)), "[0 2 1 0 2 1]");
  EXPECT_EQ(Run(argsort(x, -1, true)), "[0 2 1 1 2 0]");
  EXPECT_EQ(Run(argsort(x, 0)), "[1 1 0 0 0 1]");
  EXPECT_EQ(Run(argsort(x, -2, true)), "[0 1 1 1 0 0]");
  EXPECT_EQ(Run(argsort(Ints({5, 1, 3}))), "[1 2 0]");
  EXPECT_EQ(Session().run(argsort(ones({2, 0, 3}), 0)).shape(), (Shape{2, 0, 3}));
  EXPECT_THROW(argsort(x, 2), ValueError);
  EXPECT_THROW(argsort(constant(1)), ValueError);
  const Output unknown = placeholder(float32);
  EXPECT_THROW(Run(argsort(unknown, 1), {{unknown, testing::Zeros(float32, {3})}}),
               InvalidArgumentError);
}

TEST_F(ArrayOpsTest, TheTransposeOfAConvolution) {
  const Output images = placeholder(float32, {-1, 2, 2, 1});
  const Output filter = ones({2, 2, 3, 1});
  const Output out = nn::conv2d_transpose(
      images, filter,
      concat({strided_slice(shape(images), Ints({0}), Ints({1}), Ints({1}), {}), Ints({4, 4, 3})},
             0),
      {1, 2, 2, 1}, "SAME");
  EXPECT_EQ(out.shape().ToString(), "(None, 4, 4, 3)");
  const std::vector<Feed> feed = {{images, Tensor::Of<float>({1, 2, 2, 1}, {1, 2, 3, 4})}};
  EXPECT_EQ(Run(reduce_sum(out, Axes(std::vector<int64_t>{1, 2})), feed), "[40 40 40]");
  EXPECT_EQ(Run(Slope(out, images), feed), "[12 12 12 12]");
}

}  // namespace
}  // namespace varscope
