// Gradients of rows.
#include "proto/optimizers/sparse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "proto/memory/memory_account.h"
#include "proto/optimizers/clip.h"
#include "proto/optimizers/optimizer.h"
#include "proto/tensor/block_pool.h"
#include "tests/support/tensors.h"

namespace varscope::optimizers {
namespace {

TEST(SumRowsTest, SumsInOrderOfFirstAppearance) {
  std::vector<int64_t> rows = {3, 1, 3, 1, 0};
  Tensor values = Tensor::Of<float>(Shape{5, 2}, {1, 2, 10, 20, 100, 200, 1000, 2000, 5, 6});
  ASSERT_TRUE(SumRows(rows, values).ok());
  EXPECT_THAT(rows, ::testing::ElementsAre(3, 1, 0));
  EXPECT_EQ(values.shape(), (Shape{3, 2}));
  EXPECT_THAT(values.values<float>(), ::testing::ElementsAre(101, 202, 1010, 2020, 5, 6));
}

TEST(SumRowsTest, DistinctRowsStay) {
  std::vector<int64_t> rows = {3, 1};
  Tensor values = Tensor::Of<double>(Shape{2, 1}, {1, 2});
  const std::byte* const before = values.raw();
  ASSERT_TRUE(SumRows(rows, values).ok());
  EXPECT_EQ(values.raw(), before);
}

// A row of one element is less than what is kept of it while equal ones are found.
TEST(SumRowsTest, WithoutMemoryToFindEqualRowsNothingChanges) {
  MemoryAccount& memory = MemoryAccount::Process();
  std::vector<int64_t> rows(100000);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i / 2);
  const std::vector<int64_t> given = rows;
  Tensor values(DType::kFloat32, Shape{static_cast<int64_t>(rows.size()), 1});
  for (float& x : values.mutable_values<float>()) x = 1;
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  // Room for the sums alone.
  memory.SetLimit(before + 32 * rows.size());
  const absl::Status refused = SumRows(rows, values);
  memory.SetLimit(MemoryAccount::kUnlimited);
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_EQ(rows, given);
  EXPECT_EQ(memory.used(), before);
  EXPECT_TRUE(SumRows(rows, values).ok());
  EXPECT_EQ(rows.size(), given.size() / 2);
  EXPECT_EQ(values.data<float>()[0], 2);
}

// Enough rows for several cores; each row of its own.
TEST(SumRowsTest, ManyRowsAreUpdatedAsOneByOne) {
  constexpr int64_t kRows = 5000;
  constexpr int64_t kWidth = 32;
  const Optimizer& adagrad = *FindOptimizer("Adagrad");
  const Hyperparameters h =
      *ReadHyperparameters(adagrad, {{"learning_rate", 0.1}}, DType::kFloat32);
  std::vector<float> variable(kRows * kWidth, 1);
  std::vector<float> slot(kRows * kWidth, 0.1F);
  std::vector<int64_t> rows;
  for (int64_t r = 0; r < kRows; r += 2) rows.push_back((r * 7919) % kRows / 2 * 2);
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  std::shuffle(rows.begin(), rows.end(), std::mt19937(1));
  std::vector<float> gradient(rows.size() * kWidth);
  for (size_t i = 0; i < gradient.size(); ++i) gradient[i] = static_cast<float>(i % 97) / 97;
  std::vector<float> one = variable;
  std::vector<float> one_slot = slot;
  for (size_t i = 0; i < rows.size(); ++i) {
    adagrad.Apply(UpdateArgs<float>{.variable = one,
                                    .slots = {one_slot},
                                    .gradient = std::span(gradient).subspan(i * kWidth, kWidth),
                                    .h = h,
                                    .non_slots = {},
                                    .rows = std::span(rows).subspan(i, 1),
                                    .row_size = kWidth},
                  /*sparse=*/true);
  }
  adagrad.Apply(UpdateArgs<float>{.variable = variable,
                                  .slots = {slot},
                                  .gradient = gradient,
                                  .h = h,
                                  .non_slots = {},
                                  .rows = rows,
                                  .row_size = kWidth},
                /*sparse=*/true);
  EXPECT_EQ(variable, one);
  EXPECT_EQ(slot, one_slot);
}

using varscope::testing::AllDTypes;
using varscope::testing::Zeros;

constexpr int64_t kColumns = 1000;

TEST(HostileGradientTest, SumsAndClipsOfOtherDTypesAreErrors) {
  for (const DType dtype : AllDTypes()) {
    std::vector<int64_t> rows = {0, 0, 1};
    Tensor gradient = Zeros(dtype, {3, kColumns});
    EXPECT_EQ(optimizers::SumRows(rows, gradient).ok(), TakesGradients(dtype)) << Name(dtype);
    EXPECT_EQ(rows.size(), TakesGradients(dtype) ? 2U : 3U);
    Tensor* const gradients[] = {&gradient};
    EXPECT_EQ(optimizers::Clip(gradients, 1, 1).ok(), TakesGradients(dtype)) << Name(dtype);
  }
}

TEST(HostileGradientTest, IndicesThatAreNotOneForEachRowAreErrors) {
  for (const Shape& shape : {Shape{}, Shape{2, 5}, Shape{4, 5}, Shape{0, 5}, Shape{0}}) {
    std::vector<int64_t> rows = {0, 0, 1};
    Tensor gradient = Zeros(DType::kFloat32, shape);
    const absl::Status status = optimizers::SumRows(rows, gradient);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << shape.ToString();
    EXPECT_EQ(rows.size(), 3U);
  }
}

}  // namespace
}  // namespace varscope::optimizers
