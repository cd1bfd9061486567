// How many streams there may be at a time, and that each is in the account.
#include "server/rpc/stream_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/tensor/block_pool.h"
#include "server/rpc/call_bytes.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

const Caller kWorker{"w", 1};
const Caller kAnybody;

TEST(StreamPlacesTest, OfCallersWithoutASessionThereAreSoManyAndOfWorkersAsManyAsThereIsRoomFor) {
  MemoryAccount& memory = MemoryAccount::Process();
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  StreamPlaces places;
  std::vector<StreamPlaces::Place> taken;
  for (size_t i = 0; i < StreamPlaces::kMostWithoutSession; ++i) {
    taken.push_back(places.Take(kAnybody).value());
    taken.push_back(places.Take(kWorker).value());
  }
  EXPECT_EQ(memory.used() - before, taken.size() * kCallBytes);
  const absl::Status refused = places.Take(kAnybody).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("without a session"));
  EXPECT_TRUE(places.Take(kWorker).ok());
  // A worker's end makes no room, another one's does, once.
  taken[1] = {};
  EXPECT_FALSE(places.Take(kAnybody).ok());
  taken[0] = {};
  taken[0] = {};
  taken[0] = places.Take(kAnybody).value();
  EXPECT_FALSE(places.Take(kAnybody).ok());
  taken.clear();
  EXPECT_EQ(memory.used(), before);
}

// They are idle for as long as it likes.
TEST(StreamPlacesTest, AFewWorkersLeaveRoomForStreamsOfAnother) {
  MemoryAccount& memory = MemoryAccount::Process();
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  memory.SetLimit(before + (uint64_t{64} << 20));
  StreamPlaces places;
  std::vector<StreamPlaces::Place> taken;
  for (int worker = 0; worker < 7; ++worker) {
    for (;;) {
      absl::StatusOr<StreamPlaces::Place> place = places.Take({std::to_string(worker), 1});
      if (!place.ok()) break;
      taken.push_back(*std::move(place));
    }
  }
  std::vector<StreamPlaces::Place> others;
  for (int i = 0; i < 16; ++i) {
    absl::StatusOr<StreamPlaces::Place> place = places.Take({"modest", 1});
    EXPECT_TRUE(place.ok()) << place.status();
    if (place.ok()) others.push_back(*std::move(place));
  }
  memory.SetLimit(MemoryAccount::kUnlimited);
  taken.clear();
  others.clear();
  EXPECT_EQ(memory.used(), before);
}

TEST(StreamPlacesTest, WithoutMemoryTheStreamIsRefusedAndTakesNoPlace) {
  MemoryAccount& memory = MemoryAccount::Process();
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  StreamPlaces places;
  memory.SetLimit(before + kCallBytes - 1);
  const absl::Status refused = places.Take(kWorker).status();
  for (size_t i = 0; i <= StreamPlaces::kMostWithoutSession; ++i) {
    EXPECT_FALSE(places.Take(kAnybody).ok());
  }
  memory.SetLimit(MemoryAccount::kUnlimited);
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("worker 'w': no memory"));
  EXPECT_TRUE(places.Take(kAnybody).ok());
  EXPECT_EQ(memory.used(), before);
}

}  // namespace
}  // namespace varscope::server
