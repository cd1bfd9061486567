// Segments are read in parts: as if all of them were in memory, wherever the parts end; and a file
// that cannot be read any more is an error.
#include "server/durability/log_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/support/opened.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

std::string RandomText(std::mt19937& random, size_t bytes) {
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// As the log writes it.
std::string BytesOf(const std::string& header, uint64_t position, uint64_t durable) {
  const auto prefix = EncodePrefix({header, {}}, position, durable);
  return std::string(reinterpret_cast<const char*>(prefix.data()), prefix.size()) + header;
}

// Of a record that is short, about as long as what is read at once, or longer.
size_t DrawLength(std::mt19937& random) {
  switch (random() % 4) {
    case 0:
      return (1 << 20) - 100 + random() % 200;
    case 1:
      return random() % (3 << 20);
    default:
      return random() % 1000;
  }
}

TEST(LogFileTest, ReadsWhatIsThereWhateverItsLength) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "log";
  std::mt19937 random(1);
  for (int round = 0; round < 10; ++round) {
    std::string log;
    std::vector<std::string> headers;
    for (uint64_t i = 0; i < 8; ++i) {
      headers.push_back(RandomText(random, DrawLength(random)));
      log += BytesOf(headers[i], i + 1, i);
    }
    WriteAll(path, log);
    LogFile file = LogFile::Open(*testing::Opened(directory.path()), "log").value();
    uint64_t offset = 0;
    for (uint64_t i = 0; i < headers.size(); ++i) {
      const auto frame = file.Read(offset).value();
      ASSERT_TRUE(frame) << "round " << round << ", record " << i;
      EXPECT_EQ(frame->position, i + 1);
      const auto header = std::as_bytes(std::span(headers[i]));
      EXPECT_TRUE(
          std::equal(frame->header.begin(), frame->header.end(), header.begin(), header.end()));
      EXPECT_EQ(frame->end, offset + kPrefixBytes + headers[i].size());
      offset = frame->end;
    }
    EXPECT_EQ(offset, file.size());
    EXPECT_FALSE(file.Read(offset).value());
    EXPECT_FALSE(file.Read(offset + 1).value());
    EXPECT_FALSE(file.Read(UINT64_MAX).value());
  }
}

// Damage in the middle of a log is told from a torn end by a record after it which was written when
// the damaged one was durable.
TEST(LogFileTest, FindsTheNextRecordAfterDamageThatSaysWhatWasDurable) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "log";
  std::mt19937 random(4);
  for (int round = 0; round < 50; ++round) {
    // Prefixes begin everywhere in a block, and over its end.
    std::string log = RandomText(
        random, (1 << 20) * (random() % 2) - (random() % 2 ? 45 : 0) + (1 << 20) + random() % 50);
    const size_t damaged = log.size();
    log += BytesOf(RandomText(random, random() % 100), 5, 4);
    const size_t second = log.size();
    log += BytesOf(RandomText(random, random() % 100), 6, 5);
    log[damaged + 20] = static_cast<char>(log[damaged + 20] ^ 1);
    WriteAll(path, log);
    LogFile file = LogFile::Open(*testing::Opened(directory.path()), "log").value();
    const auto found = file.Find(0, 5).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->position, 6U);
    EXPECT_EQ(found->end, log.size());
    EXPECT_TRUE(file.Find(second, 5).value());
    EXPECT_FALSE(file.Find(second + 1, 5).value());
    EXPECT_FALSE(file.Find(0, 6).value()) << "nothing says that position 6 was durable";
  }
}

// A worker may have pushed bytes that look like beginnings of records.
TEST(LogFileTest, BeginningsThatAreNoneTakeNoLonger) {
  const TemporaryDirectory directory;
  std::string log;
  while (log.size() < (6 << 20)) log += "VSR3";
  WriteAll(directory / "log", log);
  LogFile file = LogFile::Open(*testing::Opened(directory.path()), "log").value();
  EXPECT_FALSE(file.Find(0, 0).value());
}

// Somebody cuts it off while it is read; a bad sector is met in the same place.
TEST(LogFileTest, AFileThatShrinksIsAnErrorWithItsNameAndTheOffset) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "log";
  std::mt19937 random(2);
  const std::string log =
      BytesOf(RandomText(random, 3 << 20), 1, 0) + BytesOf(RandomText(random, 3 << 20), 2, 1);
  const uint64_t second = log.size() / 2;
  for (const uint64_t left : {uint64_t{0}, uint64_t{10}, second, second + 41, second + (1 << 20)}) {
    WriteAll(path, log);
    LogFile file = LogFile::Open(*testing::Opened(directory.path()), "log").value();
    ASSERT_TRUE(file.Read(0).value());
    fs::resize_file(path, left);
    for (const absl::Status& status : {file.Read(second).status(), file.Find(1, 1).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << left;
      EXPECT_THAT(std::string(status.message()), HasSubstr(path.string()));
      EXPECT_THAT(std::string(status.message()), HasSubstr("nothing at offset"));
    }
  }
}

TEST(LogFileTest, AShortOneHasNoRecord) {
  const TemporaryDirectory directory;
  WriteAll(directory / "short", "VSR");
  EXPECT_TRUE(LogFile::Open(*testing::Opened(directory.path()), "short").ok());
  EXPECT_FALSE(LogFile::Open(*testing::Opened(directory.path()), "short")->Read(0).value());
  EXPECT_TRUE(absl::IsNotFound(LogFile::Open(*testing::Opened(directory.path()), "none").status()));
}

}  // namespace
}  // namespace varscope::server
