#include "server/store/state.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/push/validate.h"
#include "server/store/read.h"
#include "tests/support/push.h"
#include "tests/support/state_of.h"
#include "tests/support/variables_of.h"

namespace varscope::server {
namespace {

// A partitioned variable, slots, non-slot variables, steps and a completion record.
void FillStore(Store& store) {
  ResolveRequest request;
  request.request = {"v", DType::kFloat32, Shape{4}, Reuse::kAuto, std::vector<int64_t>{2}};
  request.name = "v";
  request.initializer = InitializerSpec{.kind = "ones"};
  ASSERT_TRUE(store.catalog.Resolve({"w", 1}, request).ok());
  Push push{.id = {"w", 1, 1}};
  push.steps.push_back(
      {.state = {"Adam", {}, "Adam", 0, "v/part_0"},
       .updates = {{.variable = "v/part_0", .gradient = Tensor::Of<float>(Shape{2}, {1, 2})}}});
  ASSERT_TRUE(Apply(store, push).ok());
}

std::string StateOf(const Store& store) { return testing::StateOf(Capture(store), {}); }

TEST(StateTest, ARestoredStoreIsTheCapturedOne) {
  Store store(StoreLimits{});
  FillStore(store);
  const StoreState state = Capture(store);
  Store other(StoreLimits{});
  const uint64_t generation = other.catalog.generation();
  const uint64_t changes = other.changes.count();
  ASSERT_TRUE(Restore(other, state).ok());
  EXPECT_EQ(StateOf(other), StateOf(store));
  EXPECT_NE(other.catalog.generation(), generation);
  EXPECT_NE(other.changes.count(), changes);
  // Over another state too, which goes.
  Push push{.id = {"w", 1, 2}};
  push.assignments.push_back({"v/part_1", AssignOp::kAssign, Tensor::Of<float>(Shape{2}, {7, 7})});
  ASSERT_TRUE(Apply(other, push).ok());
  ASSERT_NE(StateOf(other), StateOf(store));
  ASSERT_TRUE(Restore(other, state).ok());
  EXPECT_EQ(StateOf(other), StateOf(store));
}

// Of each variable of an optimizer's state: where it belongs.
std::map<std::string, std::string> PlacesIn(const Store& store) {
  std::map<std::string, std::string> places;
  store.catalog.Read([&](const NameTable& names) {
    for (const VariablePtr& variable : names.variables()) {
      const NameTable::StatePlace place = names.PlaceOf(*variable);
      if (place.key == nullptr) continue;
      places[variable->def.name] =
          absl::StrCat(*place.key, " ", place.index, place.non_slot ? " of all" : "");
    }
  });
  return places;
}

// Slots and non-slot variables without given names have the same key here.
TEST(StateTest, WhoseStateAVariableIsComesBackWithTheStore) {
  Store store(StoreLimits{});
  FillStore(store);
  const std::string key = "v/part_0\nAdam\nAdam\n0\n2";
  const std::map<std::string, std::string> expected = {{"v/part_0/Adam", key + " 0"},
                                                       {"v/part_0/Adam_1", key + " 1"},
                                                       {"beta1_power", key + " 0 of all"},
                                                       {"beta2_power", key + " 1 of all"}};
  EXPECT_EQ(PlacesIn(store), expected);
  Store other(StoreLimits{});
  ASSERT_TRUE(Restore(other, Capture(store)).ok());
  EXPECT_EQ(PlacesIn(other), expected);
  ASSERT_TRUE(Restore(other, Capture(Store(StoreLimits{}))).ok());
  EXPECT_TRUE(PlacesIn(other).empty());
}

TEST(StateTest, AStateThatContradictsItselfChangesNothing) {
  Store store(StoreLimits{});
  FillStore(store);
  const std::string before = StateOf(store);
  const uint64_t generation = store.catalog.generation();
  const auto absent = std::make_shared<const std::string>("absent");
  const std::vector<std::function<void(StoreState&)>> contradictions = {
      [](StoreState& state) { state.variables.push_back(state.variables.front()); },
      [](StoreState& state) {
        VariableDefinition other = *state.variables.back().definition;
        other.shape = Shape::Unknown();
        state.variables.back().definition = std::make_shared<const VariableDefinition>(other);
      },
      [](StoreState& state) { state.variables.erase(state.variables.begin()); },
      [](StoreState& state) { state.partitioned.front().parts.emplace_back("absent"); },
      [&](StoreState& state) { state.slots.front().variables.push_back(absent); },
      [&](StoreState& state) { state.non_slots.front().variables.front() = absent; },
  };
  for (size_t i = 0; i < contradictions.size(); ++i) {
    StoreState state = Capture(store);
    contradictions[i](state);
    const absl::Status status = Restore(store, std::move(state));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << i << ": " << status;
    EXPECT_EQ(StateOf(store), before) << i;
    EXPECT_EQ(store.catalog.generation(), generation) << i;
  }
}

// Streams know their variables for as long as they like, pushes and pulls for a while.
TEST(StateTest, WhoKnowsADiscardedVariableHoldsNoValueAndIsRefused) {
  Store store(StoreLimits{});
  FillStore(store);
  const StoreState state = Capture(store);
  for (int i = 0; i < 3; ++i) {
    const std::vector<VariablePtr> known = testing::VariablesOf(store.catalog);
    std::vector<Variable*> variables;
    for (const VariablePtr& variable : known) variables.push_back(variable.get());
    std::vector<ReadValue> read = ReadTogether(variables).value();
    Push push{.id = {"w", 1, 2}};
    push.assignments.push_back(
        {"v/part_1", AssignOp::kAssign, Tensor::Of<float>(Shape{2}, {7, 7})});
    absl::StatusOr<ResolvedPush> resolved = Resolved(store, push);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    ASSERT_TRUE(Restore(store, state).ok());
    for (const VariablePtr& variable : known) {
      const MutexLock lock(variable->mutex);
      EXPECT_FALSE(variable->value.defined()) << variable->def.name;
    }
    // What was read before stays.
    for (const ReadValue& value : read) EXPECT_TRUE(value.value.defined());
    EXPECT_EQ(ReadTogether(variables).status().code(), absl::StatusCode::kAborted);
    const absl::Status validated =
        Validate(*std::move(resolved), Send(push).tensors, false, PushPolicy()).status();
    EXPECT_EQ(validated.code(), absl::StatusCode::kAborted) << validated;
    EXPECT_EQ(StateOf(store), testing::StateOf(state, {}));
  }
}

}  // namespace
}  // namespace varscope::server
