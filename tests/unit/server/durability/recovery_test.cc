// What a store loses when it dies: nothing that was durable, exactly, whatever byte of its files is
// damaged.
#include "server/durability/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <random>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/wire/crc32c.h"
#include "server/durability/file_names.h"
#include "server/durability/frame.h"
#include "server/durability/log.h"
#include "server/durability/snapshot.h"
#include "tests/support/opened.h"
#include "tests/support/push.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(DurabilityTest, TheLogAloneGivesTheSameStateAgain) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    std::mt19937 random(seed);
    const TemporaryDirectory directory;
    std::string before;
    for (int run = 0; run < 3; ++run) {
      Kept kept(directory.path());
      if (run > 0) {
        EXPECT_EQ(kept.state(), before) << "seed " << seed;
      }
      for (int i = 0; i < 60; ++i) kept.Change(random);
      kept.Settle();
      before = kept.state();
    }
    EXPECT_EQ(RecoveredState(directory.path()).value(), before);
  }
}

TEST(DurabilityTest, SnapshotsAndTheLogAfterThemGiveTheSameStateAgain) {
  std::mt19937 random(7);
  const TemporaryDirectory directory;
  std::string before;
  {
    Kept kept(directory.path());
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 40; ++i) kept.Change(random);
      kept.Settle();
      kept.TakeSnapshot();
    }
    for (int i = 0; i < 10; ++i) kept.Change(random);
    kept.Settle();
    before = kept.state();
  }
  EXPECT_EQ(ListSnapshots(*testing::Opened(directory.path())).value().size(), 2U);
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);

  // The newest is damaged: the one before it and a longer log give the same.
  const fs::path newest =
      directory / ListSnapshots(*testing::Opened(directory.path())).value()[0].name;
  std::string bytes = ReadAll(newest);
  bytes[bytes.size() / 2] ^= 1;
  WriteAll(newest, bytes);
  Kept kept(directory.path());
  EXPECT_EQ(kept.state(), before);
  ASSERT_EQ(kept.recovered().warnings.size(), 1U);
  EXPECT_THAT(kept.recovered().warnings[0], HasSubstr("skipped a snapshot"));
}

// States after each durable change, and the log that holds them.
struct History {
  std::vector<std::string> states;
  std::string log;
};
History MakeHistory(const fs::path& directory, int changes) {
  std::mt19937 random(11);
  History history;
  history.states.push_back(RecoveredState(directory).value());
  {
    Kept kept(directory);
    for (int i = 0; i < changes; ++i) {
      kept.Change(random);
      kept.Settle();
    }
  }
  history.log = ReadAll(OnlyLog(directory));
  // Every record boundary is a state: one change may be several records.
  const auto bytes = std::as_bytes(std::span(history.log));
  for (size_t offset = 0; offset < bytes.size();) {
    offset = ReadFrame(bytes, offset)->end;
    const TemporaryDirectory prefix;
    WriteAll(prefix / SegmentName(1), history.log.substr(0, offset));
    history.states.push_back(RecoveredState(prefix.path()).value());
  }
  return history;
}

TEST(DurabilityTest, ALogCutAnywhereRecoversToAPrefix) {
  const TemporaryDirectory directory;
  const History history = MakeHistory(directory.path(), 12);
  const fs::path log = OnlyLog(directory.path());
  size_t reached = 0;
  for (size_t length = 0; length <= history.log.size(); length += 3) {
    WriteAll(log, history.log.substr(0, length));
    const std::string state = RecoveredState(directory.path()).value();
    const auto at = std::find(history.states.begin(), history.states.end(), state);
    ASSERT_NE(at, history.states.end()) << "cut at " << length;
    // A longer log never recovers to less.
    EXPECT_GE(static_cast<size_t>(at - history.states.begin()), reached);
    reached = at - history.states.begin();
  }
  WriteAll(log, history.log);
  EXPECT_EQ(RecoveredState(directory.path()).value(), history.states.back());
}

// The last record, too, was told to be durable.
TEST(DurabilityTest, AnyFlippedByteOfALogIsARefusal) {
  const TemporaryDirectory directory;
  const History history = MakeHistory(directory.path(), 8);
  const fs::path log = OnlyLog(directory.path());
  for (size_t at = 0; at < history.log.size(); ++at) {
    std::string damaged = history.log;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    WriteAll(log, damaged);
    const absl::StatusOr<std::string> state = RecoveredState(directory.path());
    if (at + kPrefixBytes >= history.log.size()) {
      EXPECT_EQ(state.value(), history.states.back()) << "the last mark has no change";
      continue;
    }
    EXPECT_EQ(state.status().code(), absl::StatusCode::kDataLoss)
        << "flipped " << at << ": " << state.status();
    EXPECT_THAT(std::string(state.status().message()), HasSubstr("log-"));
  }
}

// Whatever somebody else puts there, by a name that begins like the server's own or ends like one,
// or as another thing than a file that is not finished.
TEST(DurabilityTest, FilesOfOthersStopNothingAndStay) {
  const TemporaryDirectory directory;
  const History history = MakeHistory(directory.path(), 3);
  const std::string number(kPositionDigits - 4, '0');
  const std::vector<std::string> files = {
      "thesis.tmp",
      "log-old",
      "snapshot-notes.tmp",
      absl::StrCat("log-", number, "9999.gz"),
      absl::StrCat("log-", number, "99990"),
      absl::StrCat("snapshot-", number, "9999.txt"),
      absl::StrCat("snapshot-", number, "9999x"),
      absl::StrCat("snapshot-", number, "9999-thesis.part"),
      absl::StrCat("snapshot-", number, "9999.my.notes.tmp"),
      absl::StrCat("snapshot-", number, "9999-a b.tmp"),
  };
  for (const std::string& name : files) WriteAll(directory.path() / name, "not the server's");
  const std::vector<std::string> things = {absl::StrCat("snapshot-", number, "9999.d"),
                                           absl::StrCat("log-", number, "99999"),
                                           absl::StrCat("snapshot-", number, "9999-named.tmp")};
  for (const std::string& name : things) fs::create_directory(directory.path() / name);
  const fs::path pipe = directory.path() / absl::StrCat("snapshot-", number, "9998.tmp");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const fs::path link = directory.path() / absl::StrCat("snapshot-", number, "9997-x.tmp");
  fs::create_symlink("nowhere", link);

  EXPECT_EQ(RecoveredState(directory.path()).value(), history.states.back());
  {
    Kept kept(directory.path());
    kept.TakeSnapshot();
    kept.TakeSnapshot();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), history.states.back());
  for (const std::string& name : files) {
    EXPECT_EQ(ReadAll(directory.path() / name), "not the server's") << name;
  }
  for (const std::string& name : things) EXPECT_TRUE(fs::is_directory(directory.path() / name));
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_TRUE(fs::is_symlink(link));
}

// Somebody was told that the snapshot is there: what it had must not be gone without a word.
TEST(DurabilityTest, ADamagedSnapshotThatTheLogDoesNotReachIsRefused) {
  const TemporaryDirectory directory;
  const History history = MakeHistory(directory.path(), 12);
  fs::path snapshot;
  {
    Kept kept(directory.path());
    snapshot = kept.TakeSnapshot();
  }
  const fs::path log = directory / SegmentName(1);
  WriteAll(log, history.log);
  WriteAll(snapshot, ReadAll(snapshot).substr(0, 50));
  EXPECT_EQ(RecoveredState(directory.path()).value(), history.states.back());
  // Stable storage never got the end of the log: nobody was told that it did.
  WriteAll(log, history.log.substr(0, history.log.size() / 2));
  const absl::Status refused = RecoveredState(directory.path()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(snapshot.string()));
  fs::remove(snapshot);
  EXPECT_TRUE(RecoveredState(directory.path()).ok());
}

// A push that is being applied while its worker connects again, and pushes, commits after the newer
// incarnation's: recovery must not take the fence for damage.
TEST(DurabilityTest, APushOvertakenByItsWorkersNextIncarnationRecovers) {
  const TemporaryDirectory directory;
  std::string before;
  {
    Kept kept(directory.path());
    const Caller caller{"w", 1, Sharing::kGlobal};
    ResolveRequest request;
    request.request = {"v", DType::kFloat32, Shape{2}, Reuse::kAuto, {}};
    request.name = "v";
    request.initializer = InitializerSpec{.kind = "zeros"};
    ASSERT_TRUE(kept.store().catalog.Resolve(caller, request).ok());
    const auto add_one = [&](uint64_t incarnation, uint64_t sequence) {
      Push push{.id = {"w", incarnation, sequence}};
      push.assignments.push_back(
          {"v", AssignOp::kAdd, Tensor::Of<float>(Shape{2}, {1, 1}), std::nullopt});
      return push;
    };
    absl::StatusOr<CompletionRecords::InFlightPush> slow =
        kept.store().completion_records.Begin({"w", 1, 1});
    ASSERT_TRUE(Apply(kept.store(), add_one(2, 1)).ok());
    ValidPush late = Validated(kept.store(), add_one(1, 1)).value();
    ASSERT_TRUE(Apply(kept.store(), std::move(late), *std::move(slow)).ok());
    kept.Settle();
    before = kept.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

// As an older or a newer varscoped writes: it is no damage, and nothing of it may go.
TEST(DurabilityTest, AnotherDiskFormatIsRefusedWithBothVersions) {
  for (const std::string name : {"log-00000000000000000001", "snapshot-00000000000000000007"}) {
    for (const char digit : {'1', '9'}) {
      const TemporaryDirectory directory;
      std::array<std::byte, kPrefixBytes> prefix =
          EncodePrefix({.header = "what it says"}, /*position=*/1, /*durable=*/0);
      prefix[3] = static_cast<std::byte>(digit);
      const uint32_t checksum = Crc32c(std::span(prefix).first(36));
      std::memcpy(prefix.data() + 36, &checksum, sizeof(checksum));
      std::ofstream(directory.path() / name, std::ios::binary)
          .write(reinterpret_cast<const char*>(prefix.data()), prefix.size())
          .write("what it says", 12);
      const absl::Status refused = RecoveredState(directory.path()).status();
      EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(std::string(refused.message()),
                  HasSubstr(std::string(" has disk format ") + digit +
                            ", this varscoped reads formats 2 to 3; nothing was changed"));
      EXPECT_EQ(fs::file_size(directory.path() / name), kPrefixBytes + 12);
    }
  }
}

// Format 2 is what is written now, without marks.
TEST(DurabilityTest, TheFormatBeforeIsRead) {
  const TemporaryDirectory directory;
  const History history = MakeHistory(directory.path(), 8);
  const std::span<const std::byte> log = std::as_bytes(std::span(history.log));
  std::string older;
  for (size_t at = 0; at < log.size();) {
    const std::optional<FramedRecord> frame = ReadFrame(log, at);
    ASSERT_TRUE(frame);
    std::string bytes = history.log.substr(at, frame->end - at);
    at = frame->end;
    if (frame->is_mark()) continue;
    bytes[3] = '2';
    const uint32_t checksum = Crc32c(std::as_bytes(std::span(bytes)).first(36));
    std::memcpy(bytes.data() + 36, &checksum, sizeof(checksum));
    older += bytes;
  }
  ASSERT_LT(older.size(), history.log.size());
  WriteAll(OnlyLog(directory.path()), older);
  EXPECT_EQ(RecoveredState(directory.path()).value(), history.states.back());
}

TEST(DurabilityTest, WithoutALogSnapshotsAloneAreKept) {
  std::mt19937 random(19);
  const TemporaryDirectory directory;
  std::string before;
  for (int run = 0; run < 3; ++run) {
    Kept kept(directory.path(), DurabilityLevel::kNone);
    if (run > 0) {
      EXPECT_EQ(kept.state(), before);
    }
    for (int i = 0; i < 20; ++i) kept.Change(random);
    kept.TakeSnapshot();
    before = kept.state();
    kept.Change(random);  // is lost
  }
  EXPECT_TRUE(ListSegments(*testing::Opened(directory.path())).value().empty());
  // From here on with a log.
  {
    Kept kept(directory.path());
    EXPECT_EQ(kept.state(), before);
    for (int i = 0; i < 20; ++i) kept.Change(random);
    kept.Settle();
    before = kept.state();
  }
  EXPECT_EQ(RecoveredState(directory.path()).value(), before);
}

TEST(DurabilityTest, AMissingSegmentIsARefusal) {
  std::mt19937 random(17);
  const TemporaryDirectory directory;
  for (int run = 0; run < 3; ++run) {
    Kept kept(directory.path());
    for (int i = 0; i < 5; ++i) kept.Change(random);
    kept.Settle();
  }
  fs::remove(ListSegments(*testing::Opened(directory.path())).value()[1].path);
  const absl::Status status = RecoveredState(directory.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("log-"));
}

}  // namespace
}  // namespace varscope::server
