// Snapshots that many ask for at once.
#include "server/rpc/shared_snapshot.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rpc/work_serializer.h"

namespace varscope::server {
namespace {

class Counting final : public NoDurability {
 public:
  absl::StatusOr<TakenSnapshot> TakeSnapshot(const std::string& name) override {
    EXPECT_EQ(name, "");
    ++taken;
    if (without_memory) throw std::bad_alloc();
    if (!answer.ok()) return answer;
    return TakenSnapshot{absl::StrCat("snapshot-", taken), ""};
  }
  int taken = 0;
  bool without_memory = false;
  absl::Status answer;
};

TEST(SharedSnapshotTest, ThoseWhoWaitGetOneThatBeganAfterTheyAsked) {
  constexpr int kWaiting = 20;
  Counting durability;
  SharedSnapshot shared;
  WorkSerializer turns;
  for (int round = 0; round < 3; ++round) {
    const int before = durability.taken;
    std::vector<std::string> names;
    const auto take_all = [&] {
      // One is being taken.
      EXPECT_TRUE(shared.Take(durability, shared.begun()).ok());
      for (int i = 0; i < kWaiting; ++i) {
        const auto take = [&, asked = shared.begun()] {
          names.push_back(shared.Take(durability, asked)->name);
          return absl::OkStatus();
        };
        turns.Run(nullptr, take, [](const absl::Status&) {});
      }
      return absl::OkStatus();
    };
    turns.Run(nullptr, take_all, [](const absl::Status&) {});
    EXPECT_EQ(names, std::vector<std::string>(kWaiting, absl::StrCat("snapshot-", before + 2)));
    EXPECT_EQ(durability.taken, before + 2);
  }
}

TEST(SharedSnapshotTest, AnErrorIsOfThoseWhoWaitedAndTheNextIsTakenAgain) {
  Counting durability;
  SharedSnapshot shared;
  const uint64_t asked = shared.begun();
  durability.answer = absl::ResourceExhaustedError("the disk is full");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(shared.Take(durability, asked).status(), durability.answer);
  EXPECT_EQ(durability.taken, 1);
  durability.answer = absl::OkStatus();
  EXPECT_TRUE(shared.Take(durability, shared.begun()).ok());
}

// An earlier one has not what they asked for.
TEST(SharedSnapshotTest, WithoutMemoryForOneTheOthersDoNotGetAnEarlierOne) {
  Counting durability;
  SharedSnapshot shared;
  EXPECT_TRUE(shared.Take(durability, shared.begun()).ok());
  const uint64_t asked = shared.begun();
  durability.without_memory = true;
  EXPECT_THROW(static_cast<void>(shared.Take(durability, asked)), std::bad_alloc);
  EXPECT_FALSE(shared.Take(durability, asked).ok());
  durability.without_memory = false;
  EXPECT_TRUE(shared.Take(durability, shared.begun()).ok());
}

}  // namespace
}  // namespace varscope::server
