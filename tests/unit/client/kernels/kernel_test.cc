// Kernels compute with dtypes that they do not have by one that holds all their values.
#include "client/kernels/kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "client/kernels/kernels.h"
#include "varscope/varscope.h"

namespace varscope::internal {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

// What a kernel gives for inputs, whose one output is of this dtype and shape.
absl::StatusOr<Tensor> ResultOf(const Kernel& kernel, std::vector<Tensor> inputs, DType dtype,
                                const Shape& shape, const Attrs& attrs = {}) {
  Device device(1);
  std::vector<Operand> operands;
  for (Tensor& input : inputs) operands.push_back({std::move(input), nullptr});
  const std::vector<OutputSpec> specs = {{dtype, shape}};
  std::vector<Tensor> outputs(1);
  const Device::Turn turn(device);
  KernelContext context(attrs, operands, specs, outputs, device);
  if (absl::Status status = kernel(context); !status.ok()) return status;
  return outputs[0];
}

TEST(KernelTest, ANarrowIntegerWraps) {
  const Tensor x = Tensor::Of<int16_t>(Shape({3}), {32767, -32768, 5});
  const absl::StatusOr<Tensor> sum = ResultOf(
      kernels::Add, {x, Tensor::Of<int16_t>(Shape({3}), {1, -1, 2})}, DType::kInt16, Shape({3}));
  ASSERT_TRUE(sum.ok()) << sum.status();
  EXPECT_THAT(sum->values<int16_t>(), ElementsAre(-32768, 32767, 7));
}

TEST(KernelTest, AnOperandThatRepeatsIsConvertedAsOne) {
  const absl::StatusOr<Tensor> product = ResultOf(
      kernels::Mul, {Tensor::Of<int8_t>(Shape({3}), {1, 2, 100}), Tensor::Scalar(int8_t{3})},
      DType::kInt8, Shape({3}));
  ASSERT_TRUE(product.ok()) << product.status();
  EXPECT_THAT(product->values<int8_t>(), ElementsAre(3, 6, 44));
}

TEST(KernelTest, AnotherDtypeOfTheOutputStays) {
  const Tensor x = Tensor::Of<uint32_t>(Shape({2}), {4294967295U, 1});
  const absl::StatusOr<Tensor> less =
      ResultOf(kernels::Less, {x, Tensor::Scalar(uint32_t{2})}, DType::kBool, Shape({2}));
  ASSERT_TRUE(less.ok()) << less.status();
  EXPECT_THAT(less->values<bool>(), ElementsAre(false, true));
}

TEST(KernelTest, AnErrorOfTheWiderKernelIsTheOps) {
  const Tensor zero = Tensor::Of<int16_t>(Shape({1}), {0});
  const absl::StatusOr<Tensor> quotient =
      ResultOf(kernels::FloorDiv, {zero, zero}, DType::kInt16, Shape({1}));
  EXPECT_EQ(quotient.status().message(), "Integer division by zero");
}

TEST(KernelTest, ADtypeWithoutAWiderOneStaysAnError) {
  const Tensor x = Tensor::Of<uint64_t>(Shape({1}), {1});
  const absl::StatusOr<Tensor> sum = ResultOf(kernels::Add, {x, x}, DType::kUint64, Shape({1}));
  EXPECT_EQ(sum.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(sum.status().message(), ::testing::HasSubstr("no kernel for uint64"));
}

// What a reduction of three rows, none of which has an element, gives for each.
template <typename T>
void ReducesNothing() {
  const Tensor x(kDTypeOf<T>, Shape({3, 0}));
  const std::vector<std::pair<Kernel, T>> expected = {
      {kernels::Max, std::numeric_limits<T>::lowest()},
      {kernels::Min, std::numeric_limits<T>::max()},
      {kernels::Sum, 0},
      {kernels::Prod, 1},
      {kernels::Mean, 0}};
  for (const auto& [kernel, end] : expected) {
    const absl::StatusOr<Tensor> result =
        ResultOf(kernel, {x}, kDTypeOf<T>, Shape({3}), {{"axis", std::vector<int64_t>{1}}});
    ASSERT_TRUE(result.ok()) << Name(x.dtype()) << ": " << result.status();
    EXPECT_THAT(result->template values<T>(), Each(end)) << Name(x.dtype());
  }
}
TEST(KernelTest, TheLargestOfNoIntegersIsTheSmallestOfTheirDtype) {
  ReducesNothing<int8_t>();
  ReducesNothing<uint8_t>();
  ReducesNothing<int16_t>();
  ReducesNothing<uint16_t>();
  ReducesNothing<int32_t>();
  ReducesNothing<uint32_t>();
  ReducesNothing<int64_t>();
}

TEST(KernelTest, AMeanOfNarrowIntegersIsOfTheirWholeSum) {
  const Tensor x = Tensor::Of<int8_t>(Shape({4}), {100, 100, 100, 103});
  const absl::StatusOr<Tensor> mean = ResultOf(kernels::Mean, {x}, DType::kInt8, Shape{});
  ASSERT_TRUE(mean.ok()) << mean.status();
  EXPECT_THAT(mean->values<int8_t>(), ElementsAre(100));
}

}  // namespace
}  // namespace varscope::internal
