// Gradients of rows on their way through ops that keep them.
#include "varscope/gradients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "tests/support/no_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::ElementsAre;

class GradientsTest : public ::testing::Test {
 protected:
  GradientsTest() { internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>()); }

  // Of the sum of the rows 1, 1 and 2 of `y`, which has three, each times its weight.
  Gradient Of(const Output& y, const Output& x) {
    const Output weights = constant(Tensor::Of<float>({3, 1}, {1, 2, 4}));
    const Output picked = cast(gather(y, constant(Tensor::Of<int32_t>({3}, {1, 1, 2}))), float32);
    return gradients({reduce_sum(multiply(picked, weights))}, std::vector<Output>{x})[0];
  }
  std::string Summary(const Output& y) { return Summarize(Session().run(y)); }

  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
  const Output x_ = constant(Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}));
  const Output other_ = constant(Tensor::Of<float>({3, 2}, {6, 5, 4, 3, 2, 1}));
  const Output bias_ = constant(Tensor::Of<float>({2}, {1, -1}));
};

TEST_F(GradientsTest, RowsStayRowsWhereTheyDoInTensorFlow) {
  const std::vector<std::pair<std::string, Output>> kept = {
      {"identity", identity(x_)},
      {"cast", cast(x_, float64)},
      {"bias_add", nn::bias_add(x_, bias_)},
      {"add_n", add_n({other_, x_})},
      {"add", add(x_, other_)},
      {"subtract", subtract(x_, other_)},
      {"several", identity(subtract(nn::bias_add(add(other_, x_), bias_), other_))},
  };
  for (const auto& [name, y] : kept) {
    SCOPED_TRACE(name);
    const Gradient gradient = Of(y, x_);
    ASSERT_TRUE(gradient.is_sparse());
    EXPECT_EQ(gradient.values.dtype(), float32);
    EXPECT_EQ(Summary(gradient.values), Summary(Of(x_, x_).values));
    EXPECT_EQ(Summary(gradient.indices), Summary(Of(x_, x_).indices));
  }
  for (const Output& y : {negative(x_), subtract(other_, x_)}) {
    const Gradient gradient = Of(y, x_);
    ASSERT_TRUE(gradient.is_sparse());
    EXPECT_EQ(Summary(negative(gradient.values)), Summary(Of(x_, x_).values));
  }
}

TEST_F(GradientsTest, RowsBecomeDenseWhereTheyDoInTensorFlow) {
  const Output one_row = constant(Tensor::Of<float>({2}, {1, 2}));
  const Output some_rows = placeholder(float32, {-1, 2});
  for (const Output& y : {multiply(x_, 1.0), reshape(x_, {3, 2}), add(x_, one_row),
                          add(x_, some_rows), subtract(x_, 1.0)}) {
    SCOPED_TRACE(y.name());
    const Gradient gradient = Of(y, x_);
    EXPECT_FALSE(gradient.is_sparse());
    const Tensor dense = Session().run(gradient.values, {{some_rows, Session().run(other_)}});
    EXPECT_THAT(dense.values<float>(), ElementsAre(0, 0, 3, 3, 4, 4));
  }
  // What is broadcast to rows has a dense gradient, too, and so has a bias.
  const Gradient of_bias = Of(nn::bias_add(x_, bias_), bias_);
  EXPECT_FALSE(of_bias.is_sparse());
  EXPECT_THAT(Session().run(of_bias.values).values<float>(), ElementsAre(7, 7));
}

TEST_F(GradientsTest, RowsAndDenseGradientsOfOneTensorAddUp) {
  const Output kept = identity(x_);
  const Output sum = add(reduce_sum(gather(kept, constant(Tensor::Of<int32_t>({1}, {2})))),
                         reduce_sum(multiply(kept, 3.0)));
  const Gradient gradient = gradients({sum}, std::vector<Output>{x_})[0];
  EXPECT_FALSE(gradient.is_sparse());
  EXPECT_THAT(Session().run(gradient.values).values<float>(), ElementsAre(3, 3, 3, 3, 4, 4));
}

}  // namespace
}  // namespace varscope
