// Tensors: who owns their bytes, and which numbers are finite.
#include "varscope/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

#include "absl/status/status.h"
#include "proto/tensor/allocate.h"
#include "varscope/dtype.h"
#include "varscope/shape.h"

namespace varscope {
namespace {

TEST(TensorTest, CopiesShareBytesAndClonesDoNot) {
  Tensor a = Tensor::Of<float>(Shape{2}, {1, 2});
  EXPECT_TRUE(a.unique());
  const Tensor shared = a;
  EXPECT_FALSE(a.unique());
  Tensor cloned = a.Clone();
  EXPECT_TRUE(BytesEqual(a, cloned));
  *cloned.mutable_data<float>() = 7;
  EXPECT_EQ(shared.data<float>()[0], 1);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.raw()) % Block::kAlignment, 0U);
}

TEST(TensorTest, HasAValueForEachElement) {
  for (const size_t count : {0, 1, 5, 7}) {
    EXPECT_THROW(Tensor::Of<float>(Shape{2, 3}, std::vector<float>(count)), std::invalid_argument);
  }
  EXPECT_EQ(Summarize(Tensor::Of<float>(Shape{2, 1}, {1, 2})), "[1 2]");
  EXPECT_THROW(Tensor::Of<float>(Shape{}, {}), std::invalid_argument);
  EXPECT_EQ(Tensor::Of<float>(Shape{0, 3}, {}).num_elements(), 0);
}

TEST(TensorTest, RefusesMemoryThatCannotBeHad) {
  EXPECT_EQ(TryAllocate(DType::kFloat32, Shape{int64_t{1} << 50}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(TryAllocate(DType::kFloat32, Shape{-3}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(TensorTest, FindsTheFirstNonFiniteElementAnywhere) {
  for (const int64_t size : {1, 7, 64, 1000}) {
    Tensor t(DType::kFloat32, Shape{size});
    for (float& x : t.mutable_values<float>()) x = 1;
    EXPECT_EQ(FirstNonFinite(t), -1);
    for (const int64_t at : {size - 1, size / 2, int64_t{0}}) {
      t.mutable_data<float>()[at] = std::numeric_limits<float>::infinity();
      EXPECT_EQ(FirstNonFinite(t), at);
    }
  }
  EXPECT_EQ(FirstNonFinite(Tensor::Of<double>(Shape{2}, {0, std::nan("")})), 1);
  EXPECT_EQ(FirstNonFinite(Tensor::Of<int32_t>(Shape{1}, {-1})), -1);
}

TEST(TensorTest, FindsTheFirstNonFiniteOfManyElements) {
  Tensor tensor(DType::kFloat32, Shape{1 << 20});
  for (float& x : tensor.mutable_values<float>()) x = 1;
  EXPECT_EQ(FirstNonFinite(tensor), -1);
  tensor.mutable_data<float>()[1'000'000] = std::numeric_limits<float>::infinity();
  tensor.mutable_data<float>()[700'000] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(FirstNonFinite(tensor), 700'000);
}

}  // namespace
}  // namespace varscope
