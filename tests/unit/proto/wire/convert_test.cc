// The core's values through the wire's messages and back.
#include "proto/wire/convert.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/tensors.h"

namespace varscope::wire {
namespace {

TEST(WireConvertTest, ShapesSurvive) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<int64_t> dims(random() % (Shape::kMaxRank + 1));
    for (int64_t& d : dims)
      d = random() % 8 == 0 ? Shape::kUnknownDim : static_cast<int64_t>(random()) << 20;
    const Shape shape = round % 20 == 0 ? Shape::Unknown() : Shape(dims);
    v1::Shape sent;
    ToProto(shape, &sent);
    v1::Shape received;
    ASSERT_TRUE(received.ParseFromString(sent.SerializeAsString()));
    EXPECT_EQ(FromProto(received).value(), shape);
  }
}

TEST(WireConvertTest, ShapesThatNobodyMayHaveAreRefused) {
  v1::Shape shape;
  for (int i = 0; i < Shape::kMaxRank; ++i) shape.add_dims(1);
  EXPECT_TRUE(FromProto(shape).ok());
  shape.add_dims(1);
  EXPECT_TRUE(absl::IsInvalidArgument(FromProto(shape).status()));
  for (const int64_t bad : {int64_t{-2}, std::numeric_limits<int64_t>::min()}) {
    v1::Shape negative;
    negative.add_dims(bad);
    EXPECT_TRUE(absl::IsInvalidArgument(FromProto(negative).status())) << bad;
  }
}

TEST(WireConvertTest, EveryDTypeSurvivesAndNoOtherNumberIsOne) {
  for (const DType dtype : testing::AllDTypes())
    EXPECT_EQ(FromProto(ToProto(dtype)).value(), dtype);
  for (int number = -300; number < 600; ++number) {
    const absl::StatusOr<DType> dtype = FromProto(static_cast<v1::DType>(number));
    EXPECT_EQ(dtype.ok(), v1::DType_IsValid(number) && number != v1::DT_INVALID) << number;
  }
}

TEST(WireConvertTest, CreatorsSurvive) {
  const Creator creator{"worker", "host", int64_t{1} << 40, "train.cc", 7, -5};
  v1::Creator sent;
  ToProto(creator, &sent);
  const Creator received = FromProto(sent);
  EXPECT_EQ(ToString(received), ToString(creator));
  EXPECT_EQ(std::tie(received.pid, received.line, received.time_unix_micros),
            std::tie(creator.pid, creator.line, creator.time_unix_micros));
}

}  // namespace
}  // namespace varscope::wire
