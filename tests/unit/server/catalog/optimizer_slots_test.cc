#include "server/catalog/optimizer_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

VariablePtr MakeVariable(Catalog& catalog, const std::string& name) {
  ResolveRequest request;
  request.request = {name, DType::kFloat32, Shape{1}, Reuse::kAuto, std::nullopt};
  request.name = name;
  request.initializer = InitializerSpec{.kind = "zeros"};
  return catalog.Resolve({"w", 1}, request).value().variables.front();
}

// The three of a centered RMSProp, which is called `name`; no names: the store's own.
std::vector<std::string> SlotsOf(Catalog& catalog, const std::vector<VariablePtr>& owners,
                                 const std::string& name, uint32_t instance,
                                 const SlotNames& names) {
  const optimizers::Optimizer& rule = *optimizers::FindOptimizer("RMSProp");
  const optimizers::Hyperparameters hyperparameters =
      optimizers::FillHyperparameters(rule, {{"centered", 1}});
  const OptimizerSpec spec{
      .optimizer = "RMSProp", .name = name, .instance = instance, .group = "v"};
  const Creator creator;
  std::vector<StateRequest> requests = {{rule, hyperparameters, spec, creator, {}}};
  for (const VariablePtr& owner : owners) requests[0].owners.push_back({*owner, names});
  return NamesOf(GetOrCreateSlots(catalog, requests).value().front().slots.back());
}

// Whatever the names are, and though the names of three slots may read like an optimizer's name,
// its instance and three.
TEST(OptimizerSlotsTest, OptimizersThatAreNamedOtherwiseShareNoSlots) {
  const SlotNames none;
  const std::vector<SlotNames> all_names = {
      {"RMSProp", "0", "3"}, {"RMSProp", "1", "3"}, {"RMSProp", "0", "4"}, {"a", "b", "c"}};
  for (const bool named_first : {true, false}) {
    Catalog catalog(StoreLimits{});
    const std::vector<VariablePtr> v = {MakeVariable(catalog, "v")};
    std::map<std::string, int> users;
    const auto use = [&] {
      for (const std::string& slot : SlotsOf(catalog, v, "RMSProp", 0, none)) ++users[slot];
      for (const std::string& slot : SlotsOf(catalog, v, "RMSProp", 1, none)) ++users[slot];
    };
    if (!named_first) use();
    for (const SlotNames& names : all_names) {
      for (const std::string& slot : SlotsOf(catalog, v, "RMSProp", 0, names)) ++users[slot];
    }
    if (named_first) use();
    EXPECT_EQ(users.size(), 3 * (all_names.size() + 2));
    // Each finds its own again.
    use();
    for (const SlotNames& names : all_names) {
      for (const std::string& slot : SlotsOf(catalog, v, "RMSProp", 0, names)) ++users[slot];
    }
    EXPECT_EQ(users.size(), 3 * (all_names.size() + 2));
    for (const auto& [slot, count] : users) EXPECT_EQ(count, 2) << slot;
  }
}

// Directories of earlier versions have them.
TEST(OptimizerSlotsTest, TheKeysAreAsTheyAlwaysWere) {
  Catalog catalog(StoreLimits{});
  const std::vector<VariablePtr> v = {MakeVariable(catalog, "v")};
  SlotsOf(catalog, v, "RMSProp", 5, {});
  SlotsOf(catalog, v, "RMSProp", 5, {"a", "b", "c"});
  catalog.Read([](const NameTable& names) {
    EXPECT_EQ(names.slots().size(), 2U);
    EXPECT_TRUE(names.slots().contains("v\nRMSProp\nRMSProp\n5\n3"));
    EXPECT_TRUE(names.slots().contains("v\nRMSProp\na\nb\nc"));
  });
}

TEST(OptimizerSlotsTest, ManyProposalsOfOneName) {
  constexpr int kMany = 10'000;
  Catalog catalog(StoreLimits{});
  std::vector<VariablePtr> owners;
  for (int i = 0; i < kMany; ++i) owners.push_back(MakeVariable(catalog, absl::StrCat("v", i)));
  const std::vector<std::string> last =
      SlotsOf(catalog, owners, "RMSProp", 0, {"slot", "slot", "slot"});
  EXPECT_EQ(last.back(), absl::StrCat("slot_", 3 * kMany - 1));
}

// A push that makes many keeps nobody from the names that there are, nor for long from new ones.
TEST(OptimizerSlotsTest, ManySlotsAreMadeAFewAtATimeAndOthersReadMeanwhile) {
  constexpr int kMany = 1000;
  constexpr size_t kFew = 100;
  Catalog catalog(StoreLimits{});
  std::vector<VariablePtr> owners;
  for (int i = 0; i < kMany; ++i) owners.push_back(MakeVariable(catalog, absl::StrCat("v", i)));
  size_t made = 0;
  catalog.Observe([&](const CreationBatch& batch) {
    EXPECT_LT(batch.variables.size(), kFew);
    std::thread reader([&] { EXPECT_TRUE(catalog.Find("v0").ok()); });
    reader.join();
    return [&made, count = batch.variables.size()] { made += count; };
  });
  EXPECT_EQ(SlotsOf(catalog, owners, "RMSProp", 0, {}).back(),
            absl::StrCat("v", kMany - 1, "/RMSProp_2"));
  EXPECT_EQ(made, size_t{3} * kMany);
  EXPECT_EQ(catalog.size(), size_t{4} * kMany);
  SlotsOf(catalog, owners, "RMSProp", 0, {});
  EXPECT_EQ(made, size_t{3} * kMany);
}

// However often it is sent.
TEST(OptimizerSlotsTest, WhatDoesNotFitIsRefusedBeforeAnyOfItIsMade) {
  constexpr uint64_t kMany = 500;
  const optimizers::Optimizer& rule = *optimizers::FindOptimizer("Momentum");
  const optimizers::Hyperparameters hyperparameters = optimizers::FillHyperparameters(rule, {});
  const OptimizerSpec spec{.optimizer = "Momentum", .name = "Momentum", .group = "v0"};
  const Creator creator;
  const SlotNames none;
  for (const uint64_t missing : {0, 1}) {
    // One float each, and one more for its slot.
    Catalog catalog(StoreLimits{.max_total_bytes = 4 * (2 * kMany - missing)});
    std::vector<StateRequest> requests = {{rule, hyperparameters, spec, creator, {}}};
    std::vector<VariablePtr> owners;
    for (uint64_t i = 0; i < kMany; ++i) {
      owners.push_back(MakeVariable(catalog, absl::StrCat("v", i)));
    }
    // Each twice, which is the same slot.
    for (const VariablePtr& owner : owners) requests[0].owners.push_back({*owner, none});
    for (const VariablePtr& owner : owners) requests[0].owners.push_back({*owner, none});
    int asked = 0;
    catalog.Observe([&](const CreationBatch&) {
      ++asked;
      return [] {};
    });
    for (int i = 0; i < 3; ++i) {
      const absl::Status status = GetOrCreateSlots(catalog, requests).status();
      EXPECT_EQ(status.ok(), missing == 0) << status;
      if (status.ok()) continue;
      EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
      EXPECT_THAT(std::string(status.message()),
                  HasSubstr(absl::StrCat("variable v", kMany - 1, "/Momentum")));
    }
    EXPECT_EQ(asked == 0, missing > 0);
    EXPECT_EQ(catalog.size(), missing > 0 ? kMany : 2 * kMany);
  }
}

// Their record is there when they are, and sent again, the push finds or makes the same.
TEST(OptimizerSlotsTest, WhateverMemoryIsMissingNothingIsHalfMade) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  const optimizers::Optimizer& adam = *optimizers::FindOptimizer("Adam");
  const optimizers::Hyperparameters hyperparameters = optimizers::FillHyperparameters(adam, {});
  const std::string name = "a_variable_with_quite_a_long_name";
  const OptimizerSpec spec{.optimizer = "Adam", .name = "an_optimizer_of_that_name", .group = name};
  const Creator creator{.worker_id = "a_worker_with_quite_a_long_name"};
  const SlotNames no_names;
  int failures = 0;
  bool failed = true;
  for (uint64_t calls = 0; failed; ++calls) {
    SCOPED_TRACE(calls);
    Catalog catalog(StoreLimits{});
    const VariablePtr owner = MakeVariable(catalog, name);
    size_t logged = 0;
    catalog.Observe([&](const CreationBatch& batch) {
      return [&logged, count = batch.variables.size()] { logged += count; };
    });
    const std::vector<StateRequest> requests = {
        {adam, hyperparameters, spec, creator, {{*owner, no_names}}}};
    bool ok = false;
    {
      const testing::FailingMemory failing(calls);
      try {
        ok = GetOrCreateSlots(catalog, requests).ok();
      } catch (const std::bad_alloc&) {
        // Whoever calls it makes an error of it (server/push/lock.cc).
      }
      failed = failing.failed();
    }
    if (!ok) ++failures;
    ASSERT_EQ(catalog.size(), 1 + logged);
    const absl::StatusOr<std::vector<OptimizerState>> again = GetOrCreateSlots(catalog, requests);
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_EQ(again->front().slots.front().size(), 2U);
    ASSERT_EQ(again->front().slots.front().front()->def.name, absl::StrCat(name, "/", spec.name));
    ASSERT_EQ(again->front().non_slots.size(), 2U);
    ASSERT_EQ(catalog.size(), 5U);
    ASSERT_EQ(logged, 4U);
  }
  EXPECT_GT(failures, 50);
}

TEST(OptimizerSlotsTest, ThreadsThatRaceGetTheSameSlots) {
  Catalog catalog(StoreLimits{});
  size_t records = 0;
  catalog.Observe([&](const CreationBatch&) {
    return [&] { ++records; };  // one at a time
  });
  ResolveRequest request;
  request.request = {"w", DType::kFloat32, Shape{100}, Reuse::kAuto, std::nullopt};
  request.name = "w";
  request.initializer = InitializerSpec{.kind = "zeros"};
  const VariablePtr w = catalog.Resolve({"w", 1}, request).value().variables.front();
  const optimizers::Optimizer& adam = *optimizers::FindOptimizer("Adam");
  const optimizers::Hyperparameters hyperparameters = optimizers::FillHyperparameters(adam, {});
  const OptimizerSpec spec{.optimizer = "Adam", .name = "Adam", .group = "w"};
  const Creator creator;
  const SlotNames no_names;
  std::vector<OptimizerState> states(16);
  std::vector<std::thread> threads;
  for (OptimizerState& state : states) {
    threads.emplace_back([&] {
      const std::vector<StateRequest> requests = {
          {adam, hyperparameters, spec, creator, {{*w, no_names}}}};
      state = GetOrCreateSlots(catalog, requests).value().front();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const OptimizerState& state : states) {
    EXPECT_EQ(state.slots, states.front().slots);
    EXPECT_EQ(state.non_slots, states.front().non_slots);
  }
  EXPECT_EQ(catalog.size(), 5U);
  EXPECT_EQ(records, 2U);
}

}  // namespace
}  // namespace varscope::server
