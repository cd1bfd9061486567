// The numbers behind initial values.
#include "server/catalog/philox.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace varscope::server {
namespace {

// The published test vectors of Random123 (kat_vectors, philox4x32 with 10 rounds).
TEST(PhiloxTest, KnownAnswers) {
  EXPECT_THAT(Philox(0).Words(0, 0),
              ::testing::ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(Philox(~uint64_t{0}).Words(~uint64_t{0}, ~uint64_t{0}),
              ::testing::ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
}

}  // namespace
}  // namespace varscope::server
