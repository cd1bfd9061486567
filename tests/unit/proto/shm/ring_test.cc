// The ring in shared memory.
#include "proto/shm/ring.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace varscope::shm {
namespace {

class RingTest : public ::testing::Test {
 protected:
  size_t Write(const std::string& text) {
    return *writer_.Write(std::as_bytes(std::span(text.data(), text.size())));
  }
  std::string Read(size_t size) {
    const Stretches taken = reader_.Take(size);
    std::string text;
    for (const std::span<std::byte> part : {taken.first, taken.second}) {
      text.append(reinterpret_cast<const char*>(part.data()), part.size());
    }
    return text;
  }

  RingControl control_{};
  std::array<std::byte, 16> data_{};
  RingWriter writer_{control_, data_};
  RingReader reader_{control_, data_};
};

TEST_F(RingTest, NothingIsSeenBeforeItIsPublishedNorReusedBeforeItIsReleased) {
  EXPECT_EQ(Write("0123456789"), 10);
  EXPECT_EQ(*reader_.Filled(), 0);
  writer_.Publish();
  EXPECT_EQ(*reader_.Filled(), 10);
  EXPECT_EQ(Read(8), "01234567");
  EXPECT_EQ(*writer_.Room(), 6);
  reader_.Release();
  EXPECT_EQ(*writer_.Room(), 14);
  EXPECT_EQ(Write("abcdefghijklmnop"), 14);
  writer_.Publish();
  EXPECT_EQ(Read(16), "89abcdefghijklmn");
}

TEST_F(RingTest, PositionsThatMakeNoSenseAreFound) {
  control_.read = 1;
  EXPECT_EQ(writer_.Room().status().code(), absl::StatusCode::kInvalidArgument);
  control_.written = 17;
  EXPECT_EQ(reader_.Filled().status().code(), absl::StatusCode::kInvalidArgument);
  control_.written = uint64_t{0} - 1;
  EXPECT_EQ(reader_.Filled().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RingTest, OnlyASleeperIsWokenAndOnlyOnce) {
  EXPECT_FALSE(writer_.Publish());
  reader_.sleeps() = 1;
  EXPECT_TRUE(writer_.Publish());
  EXPECT_FALSE(writer_.Publish());
}

}  // namespace
}  // namespace varscope::shm
