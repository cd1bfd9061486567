// The checksum of frames and records.
#include "proto/wire/crc32c.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <vector>

namespace varscope {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32cTest, KnownAnswers) {
  const std::vector<std::byte> zeros(32, std::byte{0});
  EXPECT_EQ(Crc32c(zeros), 0x8a9136aaU);
  const std::vector<std::byte> ones(32, std::byte{0xff});
  EXPECT_EQ(Crc32c(ones), 0x62a8ab43U);
  const uint32_t first = Crc32c(std::span(zeros).first(5));
  EXPECT_EQ(Crc32c(std::span(zeros).subspan(5), first), Crc32c(zeros));
  EXPECT_EQ(Crc32c({}), 0U);
}

}  // namespace
}  // namespace varscope
