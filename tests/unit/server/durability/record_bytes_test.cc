// Tensors off the front of a record's body.
#include "server/durability/record_bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/tensors.h"

namespace varscope::server {
namespace {

TEST(RecordBytesTest, TensorsAreTakenAsTheyWereWritten) {
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    std::vector<Tensor> written;
    std::vector<std::byte> bytes;
    for (uint32_t n = random() % 5; n > 0; --n) {
      const DType dtype = kDTypes[random() % std::size(kDTypes)].dtype;
      Tensor tensor = testing::Zeros(
          dtype, Shape{static_cast<int64_t>(random() % 4), static_cast<int64_t>(random() % 4)});
      if (dtype != DType::kBool) {
        for (size_t i = 0; i < tensor.byte_size(); ++i) {
          tensor.mutable_raw()[i] = static_cast<std::byte>(random());
        }
      }
      bytes.insert(bytes.end(), tensor.bytes().begin(), tensor.bytes().end());
      written.push_back(std::move(tensor));
    }
    std::span<const std::byte> body = bytes;
    for (const Tensor& tensor : written) {
      const absl::StatusOr<Tensor> taken = TakeTensor(body, tensor.dtype(), tensor.shape());
      ASSERT_TRUE(taken.ok()) << taken.status();
      EXPECT_TRUE(BytesEqual(*taken, tensor));
    }
    EXPECT_TRUE(body.empty());
    EXPECT_TRUE(absl::IsDataLoss(TakeTensor(body, DType::kUint8, Shape{1}).status()));
  }
}

TEST(RecordBytesTest, NoMemoryIsTakenForWhatIsNotThere) {
  const std::vector<std::byte> bytes(64);
  for (const Shape& shape : {Shape{65}, Shape{int64_t{1} << 40}, Shape{int64_t{1} << 62, 8},
                             Shape{-1}, Shape::Unknown()}) {
    std::span<const std::byte> body = bytes;
    const absl::Status status = TakeTensor(body, DType::kUint8, shape).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << shape.ToString() << status;
    EXPECT_EQ(body.size(), 64U);
  }
}

}  // namespace
}  // namespace varscope::server
