// What tells initializers apart.
#include "varscope/initializer_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace varscope
