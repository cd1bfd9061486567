// Storage that fails, and records that wait.
#include "server/durability/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "server/durability/file_names.h"
#include "server/durability/frame.h"
#include "tests/support/opened.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

// The directory is moved away, and back: the log writes to no other that has its name meanwhile.
TEST(LogTest, WhatIsWhereNobodyLooksIsNotDurable) {
  const TemporaryDirectory parent;
  const fs::path directory = parent / "data";
  const fs::path away = parent / "away";
  const fs::path theirs = directory / SegmentName(1);
  fs::create_directory(directory);
  const auto opened = testing::Opened(directory);
  Log log(*opened, {.retry = std::chrono::milliseconds(1)}, 1);
  const auto durable = [&] {
    auto promise = std::make_shared<std::promise<absl::Status>>();
    log.WhenDurable([promise](const absl::Status& status) { promise->set_value(status); });
    return promise->get_future().get();
  };
  fs::rename(directory, away);
  log.Append({"first", {}});
  EXPECT_EQ(durable().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(log.health().message()), HasSubstr("was removed or replaced"));
  EXPECT_FALSE(fs::exists(directory));
  fs::create_directory(directory);
  WriteAll(theirs, "another server's");
  log.Append({"second", {}});
  EXPECT_EQ(log.Flush().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReadAll(theirs), "another server's");
  fs::remove_all(directory);
  fs::rename(away, directory);
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
    const auto opened = testing::Opened(directory.path());
    Log log(*opened, {.interval = std::chrono::hours(24), .max_pending_bytes = kMost}, 1);
    // Several that fill it together are as one.
    for (int i = 0; i < 4; ++i) log.Append({std::string(bytes / 4, 'x'), {}});
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const fs::path segment = directory / SegmentName(1);
    while (!fs::exists(segment) || ReadAll(segment).size() < bytes) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit) << bytes << " bytes are not written";
      std::this_thread::yield();
    }
  }
}

// The limit of a file's size stands for a disk that is full.
TEST(LogTest, WhoIsRefusedForAFullDiskIsToldWhatToDo) {
  const TemporaryDirectory directory;
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  std::atomic<int> failed = 0;
  const auto opened = testing::Opened(directory.path());
  Log log(*opened, {.retry = std::chrono::milliseconds(1), .failed = [&] { ++failed; }}, 1);
  const rlimit small = {1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  log.Append({std::string(5000, 'x'), {}});
  const absl::Status refused = log.Flush();
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("make room there"));
  absl::Status status;
  do status = log.Flush();
  while (!status.ok());
  EXPECT_TRUE(log.health().ok());
  EXPECT_GE(failed, 1);
}

// So that damage to its last record is known by the segment alone, whatever becomes of the next.
TEST(LogTest, EachSegmentEndsWithAMarkOfAllItsRecords) {
  const TemporaryDirectory directory;
  {
    const auto opened = testing::Opened(directory.path());
    Log log(*opened, {.interval = std::chrono::hours(24)}, 1);
    // One group.
    for (int segment = 0; segment < 3; ++segment) {
      for (int i = 0; i < 4; ++i) log.Append({std::string(100, 'x'), {}});
      log.Rotate();
    }
    ASSERT_TRUE(log.Flush().ok());
  }
  const std::vector<Segment> segments = ListSegments(*testing::Opened(directory.path())).value();
  ASSERT_EQ(segments.size(), 3U);
  for (const Segment& segment : segments) {
    const std::string bytes = ReadAll(segment.path);
    std::optional<FramedRecord> last;
    for (size_t at = 0; at < bytes.size(); at = last->end) {
      last = ReadFrame(std::as_bytes(std::span(bytes)), at);
      ASSERT_TRUE(last) << segment.path << " " << at;
    }
    ASSERT_TRUE(last && last->is_mark()) << segment.path;
    EXPECT_EQ(last->durable, segment.first + 3);
  }
}

// What a bound is compared with: of all records ever, or of the files that a start would read.
TEST(LogTest, BytesAreCountedFromAnyMark) {
  const TemporaryDirectory directory;
  const auto opened = testing::Opened(directory.path());
  Log log(*opened, {}, 1);
  uint64_t expected = 0;
  for (int segment = 0; segment < 3; ++segment) {
    for (int i = 0; i < 5; ++i) {
      log.Append({std::string(100 * segment + i, 'x'), {}});
      expected += kPrefixBytes + 100 * segment + i;
    }
    ASSERT_TRUE(log.Flush().ok());
    const Log::Mark mark = log.Rotate();
    EXPECT_EQ(mark.position, 5U * (segment + 1));
    EXPECT_EQ(mark.bytes, expected);
    EXPECT_EQ(log.bytes(), expected);
  }
  const std::vector<Segment> segments = ListSegments(*testing::Opened(directory.path())).value();
  ASSERT_EQ(segments.size(), 3U);
  const auto bytes = [&](size_t first) {
    uint64_t all = 0;
    for (size_t i = first; i < 3; ++i) all += fs::file_size(segments[i].path);
    return all;
  };
  for (uint64_t position = 0; position <= 20; ++position) {
    const size_t first = position < 5 ? 0 : position < 10 ? 1 : 2;
    EXPECT_EQ(BytesAfter(*opened, position), bytes(first)) << position;
  }
}

TEST(LogTest, WhoWaitsIsToldOnceWhateverMemoryIsMissing) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  const TemporaryDirectory directory;
  const auto opened = testing::Opened(directory.path());
  Log log(*opened, {}, 1);
  bool failed = true;
  for (uint64_t calls = 0; failed; ++calls) {
    std::atomic<int> told = 0;
    Log::Done done = [&told](const absl::Status&) {
      ++told;
      told.notify_all();
    };
    log.Append({"record", {}});
    {
      const testing::FailingMemory memory(calls);
      log.WhenDurable(std::move(done));
      failed = memory.failed();
    }
    told.wait(0);
    EXPECT_TRUE(log.Flush().ok());
    EXPECT_EQ(told, 1);
  }
}

}  // namespace
}  // namespace varscope::server
