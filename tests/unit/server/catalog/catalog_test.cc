// What is created is all there and was logged once, or nothing is there and nothing was logged,
// whatever fails.
#include "server/catalog/catalog.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/store/state.h"
#include "tests/support/sanitizer.h"
#include "tests/support/state_of.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

constexpr int64_t kLarge = 64;
constexpr char kWorker[] = "a_worker_with_quite_a_long_name";
constexpr uint64_t kIncarnation = 5;

NewVariable Define(const std::string& name, VariableKind kind, const Shape& shape,
                   const std::string& initializer) {
  InitializerSpec spec{.kind = initializer};
  NewVariable v{{.name = name, .kind = kind, .shape = shape, .seed = 7}, spec, shape};
  if (kind == VariableKind::kShared) v.definition.key = name + "_and_a_key_that_is_longer";
  v.definition.creator.worker_id = kWorker;
  if (kind == VariableKind::kUnique) v.definition.creator_incarnation = kIncarnation;
  if (kind == VariableKind::kSlot) v.definition.primary = "there";
  v.definition.initializer = ToString(spec);
  return v;
}

CreationBatch First() {
  CreationBatch batch;
  batch.variables = {Define("there", VariableKind::kShared, {3}, "ones"),
                     Define("unique", VariableKind::kUnique, {2}, "zeros"),
                     Define("unique_7", VariableKind::kUnique, {2}, "zeros"),
                     Define("an_older_slot_of_the_variable", VariableKind::kSlot, {3}, "zeros")};
  batch.variables[2].definition.creator_incarnation = kIncarnation - 1;
  batch.variables[2].definition.creator_request = 1;
  return batch;
}

// Of everything that one creation may have.
CreationBatch EveryKind() {
  CreationBatch batch;
  batch.variables = {
      Define("a_partitioned_variable/part_1", VariableKind::kShared, {3}, "random_normal"),
      Define("unique_1", VariableKind::kUnique, {2}, "glorot_normal"),
      Define("unique_2", VariableKind::kUnique, {2}, "random_uniform"),
      Define("small_orthogonal_matrix", VariableKind::kShared, {3, 4}, "orthogonal"),
      Define("a_large_variable", VariableKind::kShared, {2 * kLarge}, "truncated_normal"),
      Define("a_slot_of_the_variable", VariableKind::kSlot, {3}, "zeros"),
      Define("a_state_of_the_optimizer", VariableKind::kSlot, Shape{}, "ones")};
  for (const size_t i : {1, 2}) batch.variables[i].definition.creator_request = i;
  batch.partitioned = PartitionedNames{"a_partitioned_variable",
                                       {DType::kFloat32, Shape{6}, {2}},
                                       {"there", "a_partitioned_variable/part_1"}};
  batch.slots = {{"the key of the slots of a variable", {"a_slot_of_the_variable"}}};
  batch.non_slots = {{"the key of the state of an optimizer", {"a_state_of_the_optimizer"}}};
  return batch;
}

// With the first batch, and a log that counts.
class Logged {
 public:
  Logged() {
    store_.catalog.SetLarge(kLarge);
    EXPECT_TRUE(Create(First(), true).ok());
    store_.catalog.Observe([this](const CreationBatch&) -> absl::StatusOr<Catalog::Happens> {
      if (!answer.ok()) return answer;
      return [this] { ++records; };
    });
  }

  absl::Status Create(const CreationBatch& batch, bool waits) {
    const auto plan = [&](const NameTable&) { return batch; };
    return (waits ? store_.catalog.Create(plan) : store_.catalog.CreateWithoutWaiting(plan))
        .status();
  }

  // What is to be found, with all values, and what names become next.
  std::string State() {
    EXPECT_TRUE(store_.catalog.FinishFirstValues().ok());
    std::string state = testing::StateOf(Capture(store_), {});
    store_.catalog.Read([&](const NameTable& names) {
      absl::StrAppend(&state, names.bytes(), " ", names.overhead(), " ",
                      names.FreeSuffix("unique"));
      const UniqueRequest request{kWorker, "unique", DType::kFloat32, {2}};
      std::vector<VariablePtr> found = names.SlotsOf("there");
      for (const uint64_t incarnation : {kIncarnation - 1, kIncarnation, kIncarnation + 1}) {
        found.push_back(names.FirstUnique(request, incarnation));
        for (const uint64_t number : {1, 2, 3}) {
          found.push_back(names.FindRequest(incarnation, number));
        }
      }
      for (const VariablePtr& one : found) {
        absl::StrAppend(&state, " ", one == nullptr ? "none" : one->def.name);
      }
    });
    return state;
  }

  absl::Status answer;
  int records = 0;

 private:
  Store store_{StoreLimits{}};
};

TEST(CatalogTest, WhateverMemoryIsMissingAllIsThereAndLoggedOrNothing) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  Logged whole;
  const std::string before = whole.State();
  ASSERT_TRUE(whole.Create(EveryKind(), true).ok());
  const std::string after = whole.State();
  ASSERT_NE(before, after);
  for (const bool waits : {true, false}) {
    int nothing = 0;
    bool failed = true;
    for (uint64_t calls = 0; failed; ++calls) {
      SCOPED_TRACE(calls);
      Logged logged;
      const CreationBatch batch = EveryKind();
      absl::Status status;
      {
        const testing::FailingMemory memory(calls);
        status = logged.Create(batch, waits);
        failed = memory.failed();
      }
      ASSERT_TRUE(status.ok() || (failed && absl::IsResourceExhausted(status))) << status;
      ASSERT_EQ(logged.State(), logged.records == 0 ? before : after);
      if (logged.records > 0) continue;
      ++nothing;
      ASSERT_FALSE(status.ok());
      // Sent again, it is as if nothing had been.
      ASSERT_TRUE(logged.Create(batch, waits).ok());
      ASSERT_EQ(logged.records, 1);
      ASSERT_EQ(logged.State(), after);
    }
    EXPECT_GT(nothing, 50);
  }
}

TEST(CatalogTest, WhatTheLogRefusesDoesNotHappen) {
  Logged logged;
  const std::string before = logged.State();
  logged.answer = absl::ResourceExhaustedError("the log is full");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(logged.Create(EveryKind(), true), logged.answer);
    EXPECT_EQ(logged.State(), before);
  }
  logged.answer = absl::OkStatus();
  EXPECT_TRUE(logged.Create(EveryKind(), true).ok());
  EXPECT_NE(logged.State(), before);
}

// What is made takes long to plan and to write down, when it is a thousand parts.
TEST(CatalogTest, OthersReadWhileSomebodyCreates) {
  Catalog catalog(StoreLimits{});
  int reads = 0;
  const auto read = [&] {
    std::thread reader([&] { reads += catalog.Find("there").ok() ? 1 : 0; });
    reader.join();
  };
  ASSERT_TRUE(catalog.Create([](const NameTable&) { return First(); }).ok());
  catalog.Observe([&](const CreationBatch&) {
    read();
    return [] {};
  });
  const auto plan = [&](const NameTable&) {
    read();
    return EveryKind();
  };
  ASSERT_TRUE(catalog.Create(plan).ok());
  EXPECT_EQ(reads, 2);
}

}  // namespace
}  // namespace varscope::server
