// What a run must not send: values that do not fit their variable, or their rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/tensors.h"
#include "tests/unit/client/session/counting_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class MisfitTest : public PlanTest {
 protected:
  std::string Refusal(const Fetch& fetch, const std::vector<Feed>& feeds) {
    try {
      Session().run(fetch, feeds);
    } catch (const InvalidArgumentError& error) {
      return error.message();
    }
    return "no error";
  }

  const Variable v_ = get_variable("v", {3, 2});
  const Output value_ = placeholder(float32);
  const Output rows_ = placeholder(int64, {-1});
};

TEST_F(MisfitTest, ScattersWithARowTooManyOrTooFew) {
  const std::vector<Output> scatters = {v_.scatter_update(rows_, value_),
                                        v_.scatter_add(rows_, value_),
                                        v_.scatter_sub(rows_, value_)};
  const Tensor two = Tensor::Of<int64_t>({2}, {0, 1});
  for (const Output& scatter : scatters) {
    for (const Shape& shape : {Shape{3, 2}, Shape{1, 2}, Shape{0, 2}, Shape{2, 3}, Shape{2},
                               Shape{1}, Shape{2, 2, 1}, Shape{4}}) {
      EXPECT_THAT(Refusal(scatter.op(), {{rows_, two}, {value_, testing::Zeros(float32, shape)}}),
                  AllOf(HasSubstr("variable v"), HasSubstr(shape.ToString()), HasSubstr("(2, 2)")));
    }
  }
  // Two misfits whose bytes add up.
  const Output value = placeholder(float32);
  const Output rows = placeholder(int64, {-1});
  const Operation both = group({scatters[0].op(), v_.scatter_add(rows, value).op()});
  EXPECT_THAT(Refusal(both, {{rows_, Tensor::Of<int64_t>({1}, {0})},
                             {value_, testing::Zeros(float32, {3, 2})},
                             {rows, Tensor::Of<int64_t>({3}, {0, 1, 2})},
                             {value, testing::Zeros(float32, {1, 2})}}),
              HasSubstr("variable v"));
  EXPECT_TRUE(store_->pushes.empty());
  EXPECT_EQ(Refusal(scatters[0].op(), {{rows_, two}, {value_, testing::Zeros(float32, {2, 2})}}),
            "no error");
  EXPECT_EQ(store_->pushes.size(), 1U);
}

// Indices of every rank, known or not, with a row for each, or a number for all.
TEST_F(MisfitTest, ScattersToIndicesOfAnyShape) {
  for (const Shape& indices :
       {Shape{}, Shape{3}, Shape{0}, Shape{2, 2}, Shape{2, 0}, Shape{1, 3, 1}}) {
    std::vector<int64_t> dims = indices.dims();
    dims.push_back(2);
    for (const Shape& updates : {Shape(dims), Shape{}}) {
      for (const bool hidden : {false, true}) {
        const Output rows = placeholder(int64, hidden ? Shape::Unknown() : indices);
        const Output values = placeholder(float32, hidden ? Shape::Unknown() : updates);
        store_->pushes.clear();
        EXPECT_EQ(Refusal(v_.scatter_add(rows, values).op(),
                          {{rows, testing::Zeros(int64, indices)},
                           {values, testing::Zeros(float32, updates)}}),
                  "no error");
        ASSERT_EQ(store_->pushes.size(), 1U);
        const internal::PushRequest::Assignment& sent = store_->pushes[0].assignments.at(0);
        EXPECT_EQ(sent.rows.shape(), (Shape{indices.num_elements()}));
        EXPECT_EQ(sent.value.shape(), (Shape{indices.num_elements(), 2}));
      }
    }
    EXPECT_THROW(
        v_.scatter_add(constant(testing::Zeros(int64, indices)), placeholder(float32, {5})),
        ValueError);
  }
  EXPECT_THROW(get_variable("scalar", Shape{}).scatter_add(constant(0), 1.0), ValueError);
}

TEST_F(MisfitTest, AssignmentsOfAnotherShape) {
  for (const Output& assign : {v_.assign(value_), v_.assign_add(value_), v_.assign_sub(value_)}) {
    for (const Shape& shape : {Shape{2, 3}, Shape{6}, Shape{}, Shape{3, 2, 1}, Shape{0, 2}}) {
      EXPECT_THAT(Refusal(assign.op(), {{value_, testing::Zeros(float32, shape)}}),
                  AllOf(HasSubstr("variable v"), HasSubstr(shape.ToString()), HasSubstr("(3, 2)")));
    }
  }
  EXPECT_TRUE(store_->pushes.empty());
}

TEST_F(MisfitTest, GradientsOfAnotherShape) {
  const train::Optimizer sgd = train::GradientDescentOptimizer(1);
  const Operation dense = sgd.apply_gradients({{{value_, Output()}, v_}});
  const Operation sparse = sgd.apply_gradients({{{value_, rows_}, v_}});
  EXPECT_THAT(Refusal(dense, {{value_, testing::Zeros(float32, {2, 2})}}),
              AllOf(HasSubstr("variable v"), HasSubstr("(2, 2)"), HasSubstr("(3, 2)")));
  const Tensor repeated = Tensor::Of<int64_t>({2}, {1, 1});
  for (const Shape& shape : {Shape{3, 2}, Shape{1, 2}, Shape{2, 3}, Shape{2}, Shape{}}) {
    EXPECT_THAT(Refusal(sparse, {{value_, testing::Zeros(float32, shape)}, {rows_, repeated}}),
                AllOf(HasSubstr("variable v"), HasSubstr(shape.ToString())));
  }
  EXPECT_TRUE(store_->pushes.empty());
  EXPECT_EQ(Refusal(sparse, {{value_, testing::Zeros(float32, {2, 2})}, {rows_, repeated}}),
            "no error");
}

// Nothing of a run with a misfit is sent, whichever group it is in.
TEST_F(MisfitTest, InOneOfSeveralGroups) {
  store_->sync_groups = {{}, {.prefix = "a"}, {.prefix = "b"}};
  const train::Optimizer sgd = train::GradientDescentOptimizer(1);
  const Variable a = get_variable("a/w", {2});
  const Variable b = get_variable("b/w", {2});
  const Operation train =
      sgd.apply_gradients({{{zeros({2}), Output()}, a}, {{value_, Output()}, b}});
  EXPECT_THAT(Refusal(train, {{value_, testing::Zeros(float32, {3})}}), HasSubstr("variable b/w"));
  EXPECT_TRUE(store_->pushes.empty());
}

}  // namespace
}  // namespace varscope
