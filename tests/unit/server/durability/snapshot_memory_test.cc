// What a snapshot, a list of them and a rollback take beside the store: little, and in the account.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "server/durability/chosen_snapshot.h"
#include "server/durability/snapshot.h"
#include "server/store/state.h"
#include "tests/support/opened.h"
#include "tests/support/push.h"
#include "tests/support/sanitizer.h"
#include "tests/support/state_of.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

namespace fs = std::filesystem;
using testing::FailingMemory;
using testing::MemoryUse;
using testing::TemporaryDirectory;

constexpr int64_t kOfPieces = 4 << 20;  // whatever the state is

// Scalars with long names, some with slots, and the answers of many workers.
void Fill(Store& store, int variables) {
  const auto name = [](int i) { return absl::StrCat("layer/", std::string(100, 'n'), i); };
  for (int i = 0; i < variables; ++i) {
    ResolveRequest request;
    request.request = {name(i), DType::kFloat32, Shape{}, Reuse::kAuto, {}};
    request.name = name(i);
    request.initializer = InitializerSpec{.kind = "zeros"};
    ASSERT_TRUE(store.catalog.Resolve({"w", 1, Sharing::kGlobal}, request).ok());
  }
  ASSERT_TRUE(store.catalog.FinishFirstValues().ok());
  for (int i = 0; i < variables / 10; ++i) {
    Push push{.id = {absl::StrCat("a-worker-with-a-long-id-", i), 1, 1}};
    OptimizerStep& step = push.steps.emplace_back();
    step.state = {"Momentum", {{"learning_rate", 1}, {"momentum", 0}}, "Momentum", 0, name(i)};
    step.updates.push_back({name(i), Tensor::Scalar(1.0F), std::nullopt});
    ASSERT_TRUE(Apply(store, push).ok());
  }
}

int64_t VariablesOf(const Store& store) {
  int64_t variables = 0;
  store.catalog.Read(
      [&](const NameTable& names) { variables = static_cast<int64_t>(names.variables().size()); });
  return variables;
}

TEST(SnapshotMemoryTest, OfManyTinyVariablesLittleIsInMemoryTwice) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  const TemporaryDirectory directory;
  Store store(StoreLimits{});
  Fill(store, 20000);
  const std::string before = testing::StateOf(Capture(store), {});
  const int64_t variables = VariablesOf(store);
  int64_t overhead = 0;
  store.catalog.Read(
      [&](const NameTable& names) { overhead = static_cast<int64_t>(names.overhead()); });
  // A name alone has 100 bytes, a definition some hundreds.
  constexpr int64_t kOfEach = 250;
  const auto opened = testing::Opened(directory.path());
  fs::path path;
  {
    const MemoryUse use;
    Snapshot snapshot{.name = "n", .position = 7, .state = Capture(store)};
    path = directory / WriteSnapshot(SystemEnv(), *opened, snapshot).value();
    EXPECT_LT(use.most(), kOfEach * variables + kOfPieces);
  }
  {
    // Also of a file that has one piece, as all once had.
    const TemporaryDirectory older;
    const auto opened_older = testing::Opened(older.path());
    const Snapshot snapshot{.position = 7, .state = Capture(store)};
    ASSERT_TRUE(WriteSnapshot(SystemEnv(), *opened_older, snapshot, size_t{64} << 20).ok());
    const int64_t bytes = static_cast<int64_t>(fs::file_size(path));
    for (const auto& [where, most] :
         {std::pair(opened.get(), kOfPieces), std::pair(opened_older.get(), kOfPieces + bytes)}) {
      const MemoryUse use;
      const std::vector<SnapshotInfo> infos = DescribeSnapshots(*where).value();
      EXPECT_LT(use.most(), most);
      ASSERT_EQ(infos.size(), 1U);
      EXPECT_EQ(infos[0].damage, "");
      EXPECT_EQ(static_cast<int64_t>(infos[0].variables), variables);
      const Snapshot read = ReadSnapshot(*where, infos[0].path.filename()).value();
      EXPECT_EQ(testing::StateOf(read.state, {}), before);
    }
  }
  const MemoryUse use;
  const ChosenSnapshot chosen = ChooseSnapshot(*opened, "n").value();
  EXPECT_LT(use.most(), overhead + 4 * kOfEach * variables + kOfPieces);
  EXPECT_EQ(testing::StateOf(chosen.state, {}), before);
}

TEST(SnapshotMemoryTest, WhatIsCapturedIsInTheAccount) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  MemoryAccount& memory = MemoryAccount::Process();
  for (const int variables : {100, 3000}) {
    Store store(StoreLimits{});
    Fill(store, variables);
    const uint64_t before = memory.used();
    {
      const MemoryUse use;
      const StoreState state = Capture(store);
      const auto counted = static_cast<int64_t>(memory.used() - before);
      constexpr int64_t kSlack = 4096;
      EXPECT_GE(counted + kSlack, use.now()) << variables;
      EXPECT_LT(counted, 2 * use.now() + kSlack) << variables;
    }
    EXPECT_EQ(memory.used(), before);
  }
}

// It must be possible when there is least memory.
TEST(SnapshotMemoryTest, NoLimitRefusesASnapshot) {
  const TemporaryDirectory directory;
  Store store(StoreLimits{});
  Fill(store, 100);
  MemoryAccount& memory = MemoryAccount::Process();
  memory.SetLimit(memory.used() / 2);
  const Snapshot snapshot{.position = 7, .state = Capture(store)};
  const absl::Status status =
      WriteSnapshot(SystemEnv(), *testing::Opened(directory.path()), snapshot).status();
  memory.SetLimit(MemoryAccount::kUnlimited);
  EXPECT_TRUE(status.ok()) << status;
}

TEST(SnapshotMemoryTest, WhateverMemoryIsMissingASnapshotIsWholeOrNotThere) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  Store store(StoreLimits{});
  Fill(store, 20);
  Snapshot snapshot{.position = 7, .state = Capture(store)};
  for (int i = 0; i < 20; ++i) snapshot.state.steps.groups[absl::StrCat("a/group/", i)] = i + 1;
  const std::string before = testing::StateOf(snapshot.state, {});
  int refused = 0;
  bool failed = true;
  for (uint64_t calls = 0; failed; calls += 1 + calls / 16) {
    SCOPED_TRACE(calls);
    const TemporaryDirectory directory;
    const auto opened = testing::Opened(directory.path());
    {
      const FailingMemory failing(calls);
      try {
        const absl::Status status = WriteSnapshot(SystemEnv(), *opened, snapshot).status();
        failed = failing.failed();
        if (!status.ok()) ++refused;
      } catch (const std::bad_alloc&) {
        failed = true;  // of the names of the files
      }
    }
    const std::vector<SnapshotFile> files = ListSnapshots(*opened).value();
    for (const SnapshotFile& file : files) {
      const absl::StatusOr<Snapshot> read = ReadSnapshot(*opened, file.name);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(testing::StateOf(read->state, {}), before);
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(SnapshotMemoryTest, WhateverMemoryIsMissingARollbackSaysThatNothingWasChanged) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  const TemporaryDirectory directory;
  Store store(StoreLimits{});
  Fill(store, 20);
  Snapshot snapshot{.name = "n", .position = 7, .state = Capture(store)};
  for (int i = 0; i < 20; ++i) snapshot.state.steps.groups[absl::StrCat("a/group/", i)] = i + 1;
  const auto opened = testing::Opened(directory.path());
  ASSERT_TRUE(WriteSnapshot(SystemEnv(), *opened, snapshot).ok());
  bool failed = true;
  for (uint64_t calls = 0; failed; calls += 1 + calls / 16) {
    SCOPED_TRACE(calls);
    absl::Status status;
    {
      const FailingMemory failing(calls);
      status = ChooseSnapshot(*opened, "n").status();
      failed = failing.failed();
    }
    if (status.ok()) continue;
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("nothing was changed"));
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("ulimit -v"));
  }
}

}  // namespace
}  // namespace varscope::server
