// Storage that fails, and records that wait.
#include "server/durability/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "server/durability/file_names.h"
#include "server/durability/frame.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(LogTest, StorageThatFailsRefusesAndLosesNothingWhenItComesBack) {
  const TemporaryDirectory parent;
  const fs::path directory = parent.path() / "later";
  Log log({.directory = directory}, 1);
  const auto durable = [&] {
    auto promise = std::make_shared<std::promise<absl::Status>>();
    log.WhenDurable([promise](const absl::Status& status) { promise->set_value(status); });
    return promise->get_future().get();
  };
  log.Append({"first", {}});
  EXPECT_EQ(durable().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(log.health().message()), HasSubstr("No such file or directory"));
  log.Append({"second", {}});
  fs::create_directory(directory);
  absl::Status status;
  do status = durable();
  while (!status.ok());
  EXPECT_TRUE(log.health().ok());
  const std::string bytes = ReadAll(OnlyLog(directory));
  const auto first = ReadFrame(std::as_bytes(std::span(bytes)), 0);
  const auto second = ReadFrame(std::as_bytes(std::span(bytes)), first->end);
  const auto mark = ReadFrame(std::as_bytes(std::span(bytes)), second->end);
  EXPECT_EQ(first->position, 1U);
  EXPECT_EQ(second->position, 2U);
  ASSERT_TRUE(mark->is_mark());
  EXPECT_EQ(mark->durable, 2U);
  EXPECT_EQ(mark->end, bytes.size());
}

// What waits for the interval stays below half of what may wait at all: no push is refused for the
// rest of it.
TEST(LogTest, WhatWouldFillTheLogDoesNotWaitForTheInterval) {
  constexpr uint64_t kMost = uint64_t{1} << 16;
  for (const uint64_t bytes : {kMost / 2 + 1, kMost, 10 * kMost}) {
    const TemporaryDirectory directory;
    Log log({.directory = directory.path(),
             .interval = std::chrono::hours(24),
             .max_pending_bytes = kMost},
            1);
    // Several that fill it together are as one.
    for (int i = 0; i < 4; ++i) log.Append({std::string(bytes / 4, 'x'), {}});
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const fs::path segment = SegmentPath(directory.path(), 1);
    while (!fs::exists(segment) || ReadAll(segment).size() < bytes) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit) << bytes << " bytes are not written";
      std::this_thread::yield();
    }
  }
}

}  // namespace
}  // namespace varscope::server
