// One push for each group: nothing is lost, nothing is sent twice, and who was first stays first.
#include "client/session/push.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "client/graph/optimizer_slots.h"
#include "client/graph/variable_state.h"
#include "client/session/groups.h"

namespace varscope::internal {
namespace {

using ::testing::ElementsAre;

// Lives as long as the process, as a graph's would.
const VariableState* VariableNamed(const std::string& name) {
  static auto* const variables = new std::map<std::string, VariableState>;
  VariableState& variable = (*variables)[name];
  variable.name = name;
  return &variable;
}

// An optimizer that trains these, in this order.
struct Trains : OptimizerSlots {
  explicit Trains(const std::vector<std::string>& names) {
    for (const std::string& name : names) variables.push_back(VariableNamed(name));
  }
};

PushRequest::Step StepOf(const OptimizerSlots& optimizer, const std::vector<std::string>& names) {
  PushRequest::Step step{.clip_norm = 1, .clip_value = 2, .weight_decay = 3};
  step.state.name = "Adam";
  step.optimizer = &optimizer;
  step.creator.file = "train.cc";
  for (const std::string& name : names) {
    step.updates.push_back({.variable = name, .gradient = Tensor::Scalar(1.0F), .rows = {}});
  }
  return step;
}

std::vector<std::string> UpdatesOf(const PushRequest::Step& step) {
  std::vector<std::string> names;
  for (const PushRequest::Update& update : step.updates) names.push_back(update.variable);
  return names;
}

std::vector<SyncGroup> Groups(const std::vector<std::string>& prefixes) {
  std::vector<SyncGroup> groups;
  for (const std::string& prefix : prefixes) groups.push_back({.prefix = prefix});
  return groups;
}

TEST(FindGroupTest, TheLongestPrefixHasTheVariable) {
  const std::vector<SyncGroup> groups = Groups({"", "a", "a/b"});
  EXPECT_EQ(FindGroup(groups, "a/b/c")->prefix, "a/b");
  EXPECT_EQ(FindGroup(groups, "a/b")->prefix, "a/b");
  EXPECT_EQ(FindGroup(groups, "a/bc")->prefix, "a");
  EXPECT_EQ(FindGroup(groups, "ab")->prefix, "");
  EXPECT_EQ(FindGroup(groups, "a/b_1")->prefix, "a/b") << "its name was made unique";
  EXPECT_EQ(FindGroup(groups, "a_1/b")->prefix, "") << "another scope's";
  EXPECT_EQ(FindGroup(Groups({"a"}), "b"), nullptr);
}

TEST(SplitByGroupTest, OneGroupIsOnePush) {
  const Trains optimizer({"first", "w"});
  PushRequest push;
  push.steps = {StepOf(optimizer, {"w"})};
  const std::vector<PushRequest> pushes = SplitByGroup(push, Groups({""}));
  ASSERT_EQ(pushes.size(), 1U);
  EXPECT_EQ(pushes[0].steps[0].state.group, "first")
      << "who keeps the optimizer's non-slot variables";
}

TEST(SplitByGroupTest, EachGroupHasItsUpdatesAndTheStateOfItsFirstVariable) {
  const Trains optimizer({"b/0", "a/0", "a/1", "b/1"});
  PushRequest push;
  push.steps = {StepOf(optimizer, {"a/1", "b/1", "a/0"})};
  push.allow_nonfinite = true;
  const std::vector<PushRequest> pushes = SplitByGroup(push, Groups({"", "a", "b"}));
  ASSERT_EQ(pushes.size(), 2U);
  std::map<std::string, PushRequest::Step> by_state;
  for (const PushRequest& part : pushes) {
    ASSERT_EQ(part.steps.size(), 1U);
    EXPECT_TRUE(part.allow_nonfinite);
    by_state[part.steps[0].state.group] = part.steps[0];
  }
  EXPECT_THAT(UpdatesOf(by_state.at("a/0")), ElementsAre("a/1", "a/0"));
  EXPECT_THAT(UpdatesOf(by_state.at("b/0")), ElementsAre("b/1"));
  for (const auto& [state, step] : by_state) {
    EXPECT_EQ(step.state.name, "Adam");
    EXPECT_EQ(step.creator.file, "train.cc");
    EXPECT_EQ(step.clip_norm, 1);
    EXPECT_EQ(step.clip_value, 2);
    EXPECT_EQ(step.weight_decay, 3);
  }
}

TEST(SplitByGroupTest, AssignmentsGoOnceAndAloneStayOnePush) {
  const Trains optimizer({"a", "b"});
  PushRequest push;
  push.assignments = {{"a", AssignOp::kAssign, Tensor::Scalar(1.0F), Tensor()},
                      {"b", AssignOp::kAssign, Tensor::Scalar(1.0F), Tensor()}};
  const std::vector<PushRequest> alone = SplitByGroup(push, Groups({"a", "b"}));
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_EQ(alone[0].assignments.size(), 2U);
  push.steps = {StepOf(optimizer, {"a", "b"})};
  const std::vector<PushRequest> both = SplitByGroup(push, Groups({"a", "b"}));
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].assignments.size(), 2U);
  EXPECT_TRUE(both[1].assignments.empty());
}

// Random optimizers over random groups: together the pushes are the push, and each has one group.
TEST(SplitByGroupTest, NothingIsLostAndNothingIsSentTwice) {
  std::mt19937 random(1);
  const std::vector<SyncGroup> groups = Groups({"", "a", "a/b", "c"});
  const std::vector<std::string> prefixes = {"", "a/", "a/b/", "c/", "d/"};
  for (int round = 0; round < 200; ++round) {
    const size_t count = 1 + random() % 3;
    std::deque<Trains> optimizers;
    PushRequest push;
    std::multiset<std::string> sent;
    for (size_t o = 0; o < count; ++o) {
      std::vector<std::string> names;
      for (uint32_t n = 1 + random() % 6; n > 0; --n) {
        names.push_back(prefixes[random() % prefixes.size()] + std::to_string(o) + "_" +
                        std::to_string(n));
      }
      push.steps.push_back(StepOf(optimizers.emplace_back(names), names));
      sent.insert(names.begin(), names.end());
    }
    std::multiset<std::string> arrived;
    std::set<const SyncGroup*> seen;
    for (const PushRequest& part : SplitByGroup(push, groups)) {
      std::set<const SyncGroup*> of_part;
      for (const PushRequest::Step& step : part.steps) {
        ASSERT_FALSE(step.updates.empty());
        of_part.insert(FindGroup(groups, step.state.group));
        for (const std::string& name : UpdatesOf(step)) {
          arrived.insert(name);
          of_part.insert(FindGroup(groups, name));
        }
      }
      ASSERT_EQ(of_part.size(), 1U) << "a push is of one group";
      ASSERT_TRUE(seen.insert(*of_part.begin()).second) << "two pushes of one group";
    }
    ASSERT_EQ(arrived, sent);
  }
}

}  // namespace
}  // namespace varscope::internal
