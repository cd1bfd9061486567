// What sets the guard of memory off, and whom it ends.
#include "server/memory_guard.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "proto/tensor/pages.h"
#include "tests/support/connection_pair.h"

namespace varscope::server {
namespace {

using ::varscope::testing::ListenHere;
using ::varscope::testing::Pair;

constexpr size_t kMiB = size_t{1} << 20;

// Its one timer runs when a test says so, 5 ms after the last time.
class HandEnv final : public Env {
 public:
  Time Now() override { return now_; }
  int64_t WallMicros() override { return 0; }
  uint64_t Random64() override { return 0; }
  absl::StatusOr<std::unique_ptr<Directory>> OpenDirectory(const std::filesystem::path& path,
                                                           IfMissing missing) override {
    return SystemEnv().OpenDirectory(path, missing);
  }
  std::unique_ptr<Timer> StartTimer(std::string /*name*/, Timer::Task task) override {
    task_ = std::move(task);
    return std::make_unique<NoTimer>();
  }
  void Run() {
    now_ += std::chrono::milliseconds(5);
    task_();
  }

 private:
  class NoTimer final : public Timer {
   public:
    void Wake() noexcept override {}
    void Stop() override {}
  };

  Time now_{std::chrono::hours(1)};
  Timer::Task task_;
};

// Memory that is in use, whoever counts it.
class Pages {
 public:
  explicit Pages(size_t size) : size_(size), data_(MapPages(size)) {
    EXPECT_NE(data_, nullptr);
    if (data_ != nullptr) std::memset(data_, 1, size);
  }
  ~Pages() {
    if (data_ != nullptr) UnmapPages(data_, size_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

 private:
  const size_t size_;
  std::byte* const data_;
};

// What is not in the account may have 32 MiB, of which the process itself takes some.
class MemoryGuardTest : public ::testing::Test {
 protected:
  const Listening listening_ = ListenHere();
  const Pair beats_{listening_};
  const Pair brings_{listening_};
  HandEnv env_;
  MemoryAccount account_{128 * kMiB};
  MemoryGuard guard_{256 * kMiB, account_, BusyConnections({listening_.port}), env_};
};

// As during a rollback, which has two states whatever the limit is.
TEST_F(MemoryGuardTest, WhatIsInTheAccountEndsNobody) {
  const MemoryAccount::Hold held = account_.HoldAnyway(320 * kMiB);
  const Pages state(320 * kMiB);
  for (int look = 0; look < 20; ++look) {
    beats_.Bring(20);
    brings_.Bring(kMiB);
    env_.Run();
  }
  EXPECT_TRUE(beats_.is_open());
  EXPECT_TRUE(brings_.is_open());
}

TEST_F(MemoryGuardTest, WhatIsNotInItEndsWhoBroughtIt) {
  const MemoryAccount::Hold held = account_.HoldAnyway(256 * kMiB);
  const Pages state(256 * kMiB);
  env_.Run();
  const Pages buffers(64 * kMiB);
  // For as long as nobody has brought it, nobody is ended.
  for (int look = 0; look < 20; ++look) {
    beats_.Bring(20);
    env_.Run();
  }
  EXPECT_TRUE(beats_.is_open());
  brings_.Bring(4 * kMiB);
  env_.Run();
  EXPECT_TRUE(beats_.is_open());
  EXPECT_FALSE(brings_.is_open());
}

// What the connections had that were ended is not gone at once.
TEST_F(MemoryGuardTest, OthersAreEndedOnlyIfThatDoesNotHelp) {
  const Pair also_brings(listening_);
  const MemoryAccount::Hold held = account_.HoldAnyway(256 * kMiB);
  const Pages state(256 * kMiB);
  env_.Run();
  const Pages buffers(64 * kMiB);
  env_.Run();
  brings_.Bring(4 * kMiB);
  also_brings.Bring(kMiB * 3 / 2);
  env_.Run();
  EXPECT_FALSE(brings_.is_open());
  env_.Run();
  EXPECT_TRUE(also_brings.is_open());
  for (int look = 0; look < 20; ++look) env_.Run();
  EXPECT_FALSE(also_brings.is_open());
  EXPECT_TRUE(beats_.is_open());
}

// It is the same whether the account's room is taken or free.
TEST_F(MemoryGuardTest, WhatTheAccountHasFreeOthersMayHave) {
  const Pages in_its_room(100 * kMiB);
  const auto look = [&] {
    brings_.Bring(4 * kMiB);
    env_.Run();
  };
  for (int i = 0; i < 20; ++i) look();
  EXPECT_TRUE(brings_.is_open());
  const Pages beyond(200 * kMiB);
  // The first may only begin to count.
  for (int i = 0; i < 2 && brings_.is_open(); ++i) look();
  EXPECT_FALSE(brings_.is_open());
}

// As after a start with a smaller --memory-limit than the store.
TEST_F(MemoryGuardTest, AnAccountWhoseLimitWasRaisedHasRoomForTheRest) {
  account_.SetLimit(280 * kMiB);
  const MemoryAccount::Hold held = account_.HoldAnyway(280 * kMiB);
  const Pages state(280 * kMiB);
  HandEnv env;
  const MemoryGuard guard(16 * kMiB, account_, BusyConnections({listening_.port}), env);
  for (int look = 0; look < 20; ++look) {
    brings_.Bring(kMiB);
    env.Run();
  }
  EXPECT_TRUE(brings_.is_open());
}

// What stays for a second is charged to nobody who comes later.
TEST_F(MemoryGuardTest, WhatStaysIsNotChargedToThoseWhoComeLater) {
  const MemoryAccount::Hold held = account_.HoldAnyway(256 * kMiB);
  const Pages state(256 * kMiB);
  const Pages buffers(64 * kMiB);
  for (int look = 0; look < 210; ++look) env_.Run();
  for (int look = 0; look < 100; ++look) {
    brings_.Bring(100 << 10);
    env_.Run();
  }
  EXPECT_TRUE(brings_.is_open());
  const Pages more(64 * kMiB);
  brings_.Bring(2 * kMiB);
  env_.Run();
  EXPECT_FALSE(brings_.is_open());
}

}  // namespace
}  // namespace varscope::server
