// Leases, fences and quarantine.
#include "server/membership/workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class WorkersTest : public ::testing::Test {
 protected:
  // Promises what becomes of `worker` once its incarnation is over.
  static std::future<WorkerRecord> WatchLost(Workers& workers, std::vector<uint64_t>* fenced) {
    auto promise = std::make_shared<std::promise<WorkerRecord>>();
    std::future<WorkerRecord> lost = promise->get_future();
    workers.Start(
        [fenced](const WorkerRecord& w) {
          if (w.incarnation != 0) fenced->push_back(w.incarnation);
        },
        [promise](const WorkerRecord& w) { promise->set_value(w); });
    return lost;
  }
  std::vector<uint64_t> fenced_;
};

TEST_F(WorkersTest, ASilentWorkerIsEvictedFencedAndMayComeBack) {
  Workers workers(milliseconds(30));
  std::future<WorkerRecord> lost = WatchLost(workers, &fenced_);
  const uint64_t first = workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  EXPECT_EQ(lost.get().incarnation, first);
  EXPECT_THAT(fenced_, ::testing::ElementsAre(first));
  EXPECT_FALSE(workers.IsLive("w", first));
  const absl::Status refused = workers.Check({"w", first});
  EXPECT_TRUE(absl::IsAborted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("was silent for longer than its lease"));
  EXPECT_EQ(refused.GetPayload(kReconnectKey), absl::Cord("s"));
  workers.Stop();
  const uint64_t second = workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  EXPECT_GT(second, first);
  EXPECT_TRUE(workers.Check({"w", second}).ok());
  // Now somebody has taken its place, so that it must not come back by itself.
  EXPECT_FALSE(workers.Check({"w", first}).GetPayload(kReconnectKey).has_value());
}

// What the first life gave last, the disk never had.
TEST_F(WorkersTest, ALaterLifeGivesNoIncarnationAgain) {
  Workers first;
  Workers second;
  constexpr int64_t kNow = 1'800'000'000'000'000;
  first.BeginLife(kNow);
  second.BeginLife(kNow + 1'000'000);
  const uint64_t old = first.Connect("w", "host", 1, Sharing::kGlobal).value();
  const uint64_t fresh = second.Connect("w", "host", 2, Sharing::kGlobal).value();
  EXPECT_GT(fresh, old);
  EXPECT_TRUE(absl::IsAborted(second.Check({"w", old})));
  EXPECT_TRUE(second.Check({"w", fresh}).ok());
  // It grows with each life, whatever the clock says, and so do the low 32 bits, which the client
  // goes by (client/rpc/barrier_rounds.h).
  uint64_t last = fresh;
  for (const int64_t now : {kNow, int64_t{0}, int64_t{-5}, kNow + 5'000'000, INT64_MAX}) {
    second.BeginLife(now);
    const uint64_t next = second.Connect("w", "host", 2, Sharing::kGlobal).value();
    EXPECT_GT(next, last);
    EXPECT_LT(next, uint64_t{1} << 62);
    EXPECT_EQ(next & 0xffffffff, (last & 0xffffffff) + 1);
    last = next;
  }
}

// Two lives in one second, and the second knows nothing of the first.
TEST_F(WorkersTest, AnIncarnationThatIsGivenAgainIsAnothers) {
  Workers first;
  Workers second;
  constexpr int64_t kNow = 1'800'000'000'000'000;
  first.BeginLife(kNow);
  second.BeginLife(kNow);
  const uint64_t old = first.Connect("w", "host", 1, Sharing::kGlobal, 17).value();
  const uint64_t fresh = second.Connect("w", "host", 2, Sharing::kGlobal, 18).value();
  ASSERT_EQ(fresh, old);
  EXPECT_TRUE(second.IsOfLostState({"w", old, Sharing::kGlobal, 17}));
  EXPECT_FALSE(second.IsOfLostState({"w", fresh, Sharing::kGlobal, 18}));
  // Of what is not known, Check tells.
  EXPECT_FALSE(second.IsOfLostState({"v", old, Sharing::kGlobal, 17}));
  EXPECT_FALSE(second.IsOfLostState({"w", old + 1, Sharing::kGlobal, 17}));
  EXPECT_FALSE(second.IsOfLostState({}));
}

TEST_F(WorkersTest, ConnectingAgainEndsTheEarlierIncarnation) {
  Workers workers;
  std::future<WorkerRecord> lost = WatchLost(workers, &fenced_);
  const uint64_t first = workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  workers.Connect("w", "host", 2, Sharing::kGlobal).value();
  EXPECT_EQ(lost.get().incarnation, first);
}

TEST_F(WorkersTest, AConnectThatArrivesTwiceIsOne) {
  Workers workers;
  const auto connect = [&](uint64_t nonce) {
    return workers.Connect("w", "host", 1, Sharing::kGlobal, nonce).value();
  };
  const uint64_t first = connect(17);
  EXPECT_EQ(connect(17), first);
  EXPECT_TRUE(workers.Check({"w", first}).ok());
  EXPECT_GT(connect(18), first);
}

TEST_F(WorkersTest, GoingIsNoticedAtOnce) {
  Workers workers;
  std::future<WorkerRecord> lost = WatchLost(workers, &fenced_);
  const uint64_t incarnation = workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  EXPECT_TRUE(workers.Disconnect({"w", incarnation}).ok());
  EXPECT_EQ(lost.get().worker_id, "w");
  EXPECT_TRUE(absl::IsAborted(workers.Check({"w", incarnation})));
  EXPECT_TRUE(absl::IsAborted(workers.Disconnect({"w", incarnation})));
}

TEST_F(WorkersTest, ARollbackFencesAllAndTheirProgramsHearOfIt) {
  Workers workers;
  std::future<WorkerRecord> lost = WatchLost(workers, &fenced_);
  const uint64_t incarnation = workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  workers.FenceAll();
  workers.TellLost();
  lost.get();
  EXPECT_EQ(workers.Check({"w", incarnation}).GetPayload(kReconnectKey), absl::Cord("r"));
  // Also after a restart.
  Workers restarted;
  for (const WorkerRecord& record : workers.records()) restarted.Restore(record);
  EXPECT_EQ(restarted.Check({"w", incarnation}).GetPayload(kReconnectKey), absl::Cord("r"));
}

// Who is lost connects again at once.
TEST_F(WorkersTest, WhatIsWrittenDownOfARollbackComesBeforeThoseWhoConnectAgain) {
  Workers workers;
  std::vector<std::string> log;
  workers.Observe([&](const WorkerRecord& record) {
    return [&log, id = record.worker_id] { log.push_back(id); };
  });
  workers.Start([](const WorkerRecord&) {},
                [&](const WorkerRecord& lost) {
                  const std::string next = lost.worker_id + "-again";
                  EXPECT_TRUE(workers.Connect(next, "host", 1, Sharing::kGlobal).ok());
                });
  ASSERT_TRUE(workers.Connect("a", "host", 1, Sharing::kGlobal).ok());
  ASSERT_TRUE(workers.Connect("b", "host", 1, Sharing::kGlobal).ok());
  workers.FenceAll([&] { log.push_back("rollback"); });
  workers.TellLost();
  EXPECT_THAT(log, ::testing::ElementsAre("a", "b", "rollback", "a-again", "b-again"));
  workers.Stop();
}

// Whoever was fenced off stays so: somebody may have gone on without it.
TEST_F(WorkersTest, EveryEndAndEveryQuarantineOutlivesARestart) {
  Workers workers(milliseconds(30));
  std::map<std::string, WorkerRecord> log;
  workers.Observe([&](const WorkerRecord& record) {
    return [&log, record] { log[record.worker_id] = record; };
  });
  const uint64_t evicted = workers.Connect("evicted", "host", 1, Sharing::kGlobal).value();
  std::promise<void> was_evicted;
  workers.Start([](const WorkerRecord&) {},
                [&](const WorkerRecord& worker) {
                  if (worker.worker_id == "evicted") was_evicted.set_value();
                });
  was_evicted.get_future().get();
  workers.Stop();
  const uint64_t left = workers.Connect("left", "host", 1, Sharing::kGlobal).value();
  const uint64_t bad = workers.Connect("bad", "host", 1, Sharing::kGlobal).value();
  ASSERT_TRUE(workers.Disconnect({"left", left}).ok());
  ASSERT_TRUE(workers.Quarantine("bad", "diverges").ok());

  Workers restarted;
  for (const auto& [id, record] : log) restarted.Restore(record);
  std::vector<std::string> fenced;
  restarted.Start(
      [&](const WorkerRecord& record) {
        if (record.incarnation != 0) fenced.push_back(record.worker_id);
      },
      [](const WorkerRecord&) {});
  EXPECT_THAT(fenced, ::testing::UnorderedElementsAre("evicted", "left"));
  const absl::Status refused = restarted.Check({"evicted", evicted});
  EXPECT_TRUE(absl::IsAborted(refused));
  EXPECT_EQ(refused.GetPayload(kReconnectKey), absl::Cord("s"));
  EXPECT_TRUE(absl::IsAborted(restarted.Check({"left", left})));
  EXPECT_TRUE(restarted.Check({"bad", bad}).ok());
  EXPECT_THAT(std::string(restarted.CheckMayPush("bad").message()), HasSubstr("diverges"));
  // Also for its next incarnation.
  restarted.Connect("bad", "host", 1, Sharing::kGlobal).value();
  EXPECT_FALSE(restarted.CheckMayPush("bad").ok());
}

TEST_F(WorkersTest, BeyondTheLimitTheOneLostForLongestIsCollected) {
  Workers workers;
  std::vector<std::string> collected;
  workers.Start([](const WorkerRecord&) {}, [](const WorkerRecord&) {},
                [&](const std::string& id) {
                  collected.push_back(id);
                  return true;
                });
  const uint64_t first = workers.Connect("first", "host", 1, Sharing::kGlobal).value();
  const uint64_t second = workers.Connect("second", "host", 1, Sharing::kGlobal).value();
  for (size_t i = 2; i < Workers::kMaxWorkers; ++i) {
    ASSERT_TRUE(workers.Connect("w" + std::to_string(i), "host", 1, Sharing::kGlobal).ok());
  }
  EXPECT_TRUE(
      absl::IsResourceExhausted(workers.Connect("another", "host", 1, Sharing::kGlobal).status()));
  ASSERT_TRUE(workers.Disconnect({"second", second}).ok());
  EXPECT_TRUE(workers.Connect("another", "host", 1, Sharing::kGlobal).ok());
  EXPECT_THAT(collected, ::testing::ElementsAre("second"));
  EXPECT_TRUE(absl::IsUnauthenticated(workers.Check({"second", second})));
  EXPECT_TRUE(workers.Check({"first", first}).ok());
}

// However many come and go, of whatever names: what is kept of those that are gone is little, and
// makes room for who comes. Nothing that they still send is applied, and a restart forgets the
// same.
TEST_F(WorkersTest, ThoseThatAreGoneLeaveRoom) {
  MemoryAccount& memory = MemoryAccount::Process();
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  constexpr uint64_t kRoom = uint64_t{64} << 20;
  for (const size_t letters : {8, 256}) {
    std::vector<WorkerRecord> log;
    std::vector<std::pair<std::string, uint64_t>> all;
    Workers workers;
    workers.Observe(
        [&](const WorkerRecord& record) { return [&log, record] { log.push_back(record); }; });
    const auto come_and_go = [&](std::string id) {
      id.resize(letters, 'w');
      const absl::StatusOr<uint64_t> incarnation = workers.Connect(id, "host", 1, Sharing::kGlobal);
      ASSERT_TRUE(incarnation.ok()) << incarnation.status();
      all.emplace_back(id, *incarnation);
      if (all.size() == 1) {
        ASSERT_TRUE(workers.Quarantine(id, "diverges").ok());
      }
      ASSERT_TRUE(workers.Disconnect({id, *incarnation}).ok());
    };
    memory.SetLimit(before + kRoom);
    for (int i = 0; i < 2000; ++i) come_and_go(absl::StrCat(i, "-"));
    EXPECT_LE(memory.used() - before, (before + kRoom) / Workers::kGoneShare);
    {
      // Nothing is free but what they have.
      const MemoryAccount::Hold full = memory.HoldAnyway(before + kRoom - memory.used());
      for (int i = 0; i < 2000; ++i) come_and_go(absl::StrCat(i, "+"));
    }
    memory.SetLimit(MemoryAccount::kUnlimited);
    EXPECT_EQ(workers.CheckMayPush(all[0].first).code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(absl::IsAborted(workers.Check({all.back().first, all.back().second})));
    const auto& [forgotten, incarnation] = all[1];
    EXPECT_TRUE(absl::IsUnauthenticated(workers.Check({forgotten, incarnation})));
    EXPECT_TRUE(absl::IsUnauthenticated(workers.CheckMayPush(forgotten, incarnation)));
    Workers restarted;
    for (const WorkerRecord& record : log) restarted.Restore(record);
    const auto ids = [](const Workers& of) {
      std::vector<std::string> names;
      for (const WorkerRecord& record : of.records()) names.push_back(record.worker_id);
      return names;
    };
    EXPECT_EQ(ids(restarted), ids(workers));
    EXPECT_GT(restarted.Connect("next", "host", 1, Sharing::kGlobal).value(), all.back().second);
  }
  EXPECT_EQ(memory.used(), before);
}

// Its push may still be applied, and then the log has it after the end of its worker.
TEST_F(WorkersTest, WhoeverCannotBeForgottenNowStays) {
  MemoryAccount& memory = MemoryAccount::Process();
  Workers workers;
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  bool may = false;
  workers.Start([](const WorkerRecord&) {}, [](const WorkerRecord&) {},
                [&](const std::string&) { return may; });
  const uint64_t gone = workers.Connect("gone", "host", 1, Sharing::kGlobal).value();
  ASSERT_TRUE(workers.Disconnect({"gone", gone}).ok());
  memory.SetLimit(memory.used());
  EXPECT_FALSE(workers.Connect("another", "host", 1, Sharing::kGlobal).ok());
  EXPECT_TRUE(absl::IsAborted(workers.Check({"gone", gone})));
  may = true;
  EXPECT_TRUE(workers.Connect("next", "host", 1, Sharing::kGlobal).ok());
  memory.SetLimit(MemoryAccount::kUnlimited);
  EXPECT_TRUE(absl::IsUnauthenticated(workers.Check({"gone", gone})));
}

TEST_F(WorkersTest, QuarantineRefusesPushesAndSaysWhy) {
  Workers workers;
  EXPECT_TRUE(absl::IsNotFound(workers.Quarantine("w", "x")));
  workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  EXPECT_TRUE(workers.CheckMayPush("w").ok());
  ASSERT_TRUE(workers.Quarantine("w", "its gradients explode").ok());
  EXPECT_THAT(std::string(workers.CheckMayPush("w").message()), HasSubstr("its gradients explode"));
  ASSERT_TRUE(workers.Quarantine("w", "").ok());
  EXPECT_TRUE(workers.CheckMayPush("w").ok());
}

TEST_F(WorkersTest, AWaitSaysHowLongItCanLast) {
  Workers workers(std::chrono::hours(1));
  workers.Connect("w", "host", 1, Sharing::kGlobal).value();
  EXPECT_THAT(workers.DescribeWait("w"),
              ::testing::MatchesRegex("w, silent [0-9.]+ s, evicted in 3[0-9]+\\.[0-9] s"));
  EXPECT_EQ(workers.DescribeWait("nobody"), "nobody, not connected");
}

// What is kept of a worker is more than its name.
TEST_F(WorkersTest, WhatIsKeptOfAWorkerIsInTheAccountUntilItIsForgotten) {
  MemoryAccount& memory = MemoryAccount::Process();
  const uint64_t before = memory.used();
  {
    Workers workers;
    const std::string id(256, 'w');
    ASSERT_TRUE(workers.Connect(id, "host", 1, Sharing::kGlobal).ok());
    const uint64_t one = memory.used() - before;
    EXPECT_GT(one, 1024U);
    // The same worker again takes nothing more.
    ASSERT_TRUE(workers.Connect(id, "host", 1, Sharing::kGlobal).ok());
    EXPECT_EQ(memory.used() - before, one);
    memory.SetLimit(memory.used() + one / 2);
    EXPECT_TRUE(
        absl::IsResourceExhausted(workers.Connect("w2", "host", 1, Sharing::kGlobal).status()));
    EXPECT_TRUE(workers.Connect(id, "host", 1, Sharing::kGlobal).ok());
    memory.SetLimit(MemoryAccount::kUnlimited);
    EXPECT_TRUE(workers.Connect("w2", "host", 1, Sharing::kGlobal).ok());
    Workers restarted;
    for (const WorkerRecord& record : workers.records()) restarted.Restore(record);
    EXPECT_GT(memory.used() - before, 3 * one);
  }
  EXPECT_EQ(memory.used(), before);
}

// Under however many ids: who comes from elsewhere finds room, and those that are there go on.
TEST_F(WorkersTest, TheWorkersOfOneAddressLeaveRoomForThoseOfOthers) {
  MemoryAccount& memory = MemoryAccount::Process();
  // What is kept could make room later.
  BlockPool::Process()->FreeKept();
  const uint64_t before = memory.used();
  constexpr uint64_t kRoom = uint64_t{16} << 20;
  memory.SetLimit(before + kRoom);
  {
    Workers workers;
    const auto connect = [&](const std::string& id, const std::string& peer) {
      return workers.Connect(id, "host", 1, Sharing::kGlobal, 0, peer);
    };
    std::vector<uint64_t> first;
    for (int i = 0; i < 4; ++i) {
      first.push_back(connect(absl::StrCat("first", i), "ipv4:10.0.0.1").value());
    }
    absl::Status refused;
    for (int i = 0; refused.ok(); ++i) {
      refused = connect(absl::StrCat("w", i), "ipv4:10.0.0.1").status();
    }
    EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("for the workers at ipv4:10.0.0.1"));
    EXPECT_LE(memory.used() - before, kRoom / 2);
    // One that is there may connect again, and those that go make room.
    const absl::StatusOr<uint64_t> again = connect("first0", "ipv4:10.0.0.1");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_GT(*again, first[0]);
    for (int i = 1; i < 4; ++i) {
      ASSERT_TRUE(workers.Disconnect({absl::StrCat("first", i), first[i]}).ok());
    }
    const absl::StatusOr<uint64_t> next = connect("next", "ipv4:10.0.0.1");
    EXPECT_TRUE(next.ok()) << next.status();
    for (int i = 0; i < 20; ++i) {
      const absl::StatusOr<uint64_t> other = connect(absl::StrCat("other", i), "ipv4:10.0.0.2");
      EXPECT_TRUE(other.ok()) << other.status();
    }
    memory.SetLimit(MemoryAccount::kUnlimited);
  }
  EXPECT_EQ(memory.used(), before);
}

TEST_F(WorkersTest, AListComesInPiecesInTheOrderOfTheIds) {
  Workers workers;
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back(absl::StrCat("w", i));
    ASSERT_TRUE(workers.Connect(ids.back(), "host", 1, Sharing::kGlobal).ok());
  }
  std::vector<std::string> listed;
  for (std::string last;;) {
    const std::vector<WorkerStatus> some = workers.StatusAfter(last, 3);
    if (some.empty()) break;
    EXPECT_LE(some.size(), 3U);
    for (const WorkerStatus& status : some) listed.push_back(status.record.worker_id);
    last = listed.back();
  }
  EXPECT_EQ(listed, ids);
}

TEST_F(WorkersTest, TheRecordsOfManyAreAllThereOnce) {
  for (const int many : {0, 1, 255, 256, 257, 1000}) {
    Workers workers;
    std::set<std::string> ids;
    for (int i = 0; i < many; ++i) {
      const std::string id = absl::StrCat("w", i);
      ASSERT_TRUE(workers.Connect(id, "host", 1, Sharing::kGlobal).ok());
      ids.insert(id);
    }
    std::vector<std::string> recorded;
    for (const WorkerRecord& record : workers.records()) recorded.push_back(record.worker_id);
    EXPECT_EQ(recorded, std::vector<std::string>(ids.begin(), ids.end()));
  }
}

}  // namespace
}  // namespace varscope::server
