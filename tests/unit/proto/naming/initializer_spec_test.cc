// What tells initializers apart.
#include "varscope/initializer_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "varscope/tensor.h"

namespace varscope {
namespace {

using ::testing::HasSubstr;

TEST(InitializerSpecTest, DifferentValuesHaveDifferentTexts) {
  InitializerSpec uniform{.kind = "random_uniform"};
  uniform.parameters = {{"minval", -1}, {"maxval", 1}};
  EXPECT_EQ(ToString(uniform), "random_uniform(maxval=1, minval=-1)");
  InitializerSpec seeded = uniform;
  seeded.seed = 7;
  EXPECT_NE(ToString(uniform), ToString(seeded));
  InitializerSpec one{.kind = "value"};
  one.value = Tensor::Scalar(1.0F);
  InitializerSpec two = one;
  two.value = Tensor::Scalar(2.0F);
  EXPECT_THAT(ToString(one), HasSubstr("value(crc32="));
  EXPECT_NE(ToString(one), ToString(two));
}

// Whatever the number: the text is as long as it must be to tell it from its neighbours.
TEST(InitializerSpecTest, NeighbouringNumbersHaveDifferentTexts) {
  const auto text = [](double number) {
    InitializerSpec spec{.kind = "constant"};
    spec.parameters["value"] = number;
    return ToString(spec);
  };
  for (const double number : {0.1, 1.0, 1e-300, 123456.75, 1e22, -0.3, 0.0}) {
    EXPECT_NE(text(number), text(std::nextafter(number, 1e300))) << number;
    EXPECT_NE(text(number), text(std::nextafter(number, -1e300))) << number;
  }
  EXPECT_EQ(text(0.1), "constant(value=0.1)");
  EXPECT_EQ(text(-0.05), "constant(value=-0.05)");
  EXPECT_EQ(text(3), "constant(value=3)");
  EXPECT_EQ(text(1e-10), "constant(value=1e-10)");
}

}  // namespace
}  // namespace varscope
