// Who defines a variable first decides nothing about its group: that follows from what others ask
// for it as.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "tests/unit/server/sync/synchronizer_fixture.h"

namespace varscope::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class GroupsByNameTest : public SynchronizerTest {
 protected:
  // get_variable, or Variable where there is no key.
  static ResolveRequest Asks(const std::string& worker, const std::string& key,
                             const std::string& name) {
    ResolveRequest request;
    request.kind = key.empty() ? VariableKind::kUnique : VariableKind::kShared;
    request.request = {key, DType::kFloat32, Shape{1}, Reuse::kAuto, std::nullopt};
    request.name = name;
    request.initializer = InitializerSpec{.kind = "zeros"};
    request.creator.worker_id = worker;
    return request;
  }
  absl::StatusOr<Resolution> Define(const ResolveRequest& request) {
    const std::string& worker = request.creator.worker_id;
    return store_.catalog.Resolve({worker, incarnations_.at(worker)}, request);
  }
  // What the worker's variable is called then.
  std::string Named(const std::string& worker, const std::string& key, const std::string& name) {
    const absl::StatusOr<Resolution> resolution = Define(Asks(worker, key, name));
    EXPECT_TRUE(resolution.ok()) << resolution.status();
    return resolution.ok() ? resolution->variables.at(0)->def.name : "";
  }
  // Whether one worker alone decides what the variable is.
  bool MayAssign(const std::string& worker, const std::string& variable) {
    Push push{.id = {worker, incarnations_.at(worker), ++sequence_}};
    push.assignments.push_back(
        {variable, AssignOp::kAssign, Tensor::Of<float>(Shape{1}, {7}), std::nullopt});
    const absl::StatusOr<PushResult> result = Submit(push).Get();
    EXPECT_TRUE(result.ok() || absl::IsInvalidArgument(result.status())) << result.status();
    return result.ok();
  }
};

TEST_F(GroupsByNameTest, ANameThatIsNotOfItsKeyIsRefused) {
  Start({"model=bsp:workers=3,aggregate=median"}, {"hostile", "honest"});
  const size_t before = store_.catalog.size();
  EXPECT_THAT(std::string(Define(Asks("hostile", "model/x", "evil")).status().message()),
              AllOf(HasSubstr("variable model/x"), HasSubstr("'evil'")));
  ResolveRequest parts = Asks("hostile", "model/p", "model/p");
  parts.request.shape = Shape{4};
  parts.request.partitions = {{2}};
  parts.part_names = {"model/p/part_0", "out"};
  EXPECT_THAT(std::string(Define(parts).status().message()),
              AllOf(HasSubstr("variable model/p/part_1"), HasSubstr("'out'")));
  EXPECT_EQ(store_.catalog.size(), before);
  EXPECT_EQ(Named("honest", "model/x", "model/x"), "model/x");
  EXPECT_FALSE(MayAssign("hostile", "model/x"));
  // As a worker's graph names it, where its own name is taken.
  EXPECT_EQ(Named("honest", "model/y", "model/y_1"), "model/y_1");
  parts.part_names = {"model/p/part_0_1", "model/p/part_1"};
  EXPECT_TRUE(Define(parts).ok());
}

TEST_F(GroupsByNameTest, WhoTakesANameFirstDrivesNobodyOutOfTheGroup) {
  Start({"emb=bsp:workers=3,aggregate=median"}, {"hostile", "honest"});
  EXPECT_EQ(Named("hostile", "", "emb"), "emb");
  EXPECT_EQ(Named("honest", "emb", "emb"), "emb_1");
  EXPECT_EQ(Named("honest", "", "emb"), "emb_2");
  for (const char* variable : {"emb", "emb_1", "emb_2"}) {
    EXPECT_FALSE(MayAssign("hostile", variable)) << variable;
  }
  EXPECT_EQ(Named("honest", "", "emb_x"), "emb_x");
  EXPECT_TRUE(MayAssign("hostile", "emb_x")) << "it is another variable's name";
}

TEST_F(GroupsByNameTest, ANameIsNotMadeUniqueIntoAnotherGroup) {
  Start({"emb=bsp:workers=3,aggregate=median", "emb_1=async"}, {"hostile", "honest"});
  EXPECT_EQ(Named("hostile", "", "emb"), "emb");
  for (const char* key : {"emb", ""}) {
    EXPECT_THAT(std::string(Define(Asks("honest", key, "emb")).status().message()),
                AllOf(HasSubstr("variable emb:"), HasSubstr("in group emb_1")));
  }
  EXPECT_EQ(Named("honest", "emb_1", "emb_1"), "emb_1");
}

TEST_F(GroupsByNameTest, WhatIsThereIsNotJudgedAgain) {
  Start({"model=bsp:workers=3,aggregate=median"}, {"honest"});
  CreationBatch batch;
  batch.variables.push_back({{.name = "other", .key = "model/old", .shape = Shape{1}},
                             InitializerSpec{.kind = "zeros"},
                             Shape{1}});
  ASSERT_TRUE(store_.catalog.Recreate(batch).ok());
  EXPECT_EQ(Named("honest", "model/old", "model/old"), "other");
}

class RandomGroupsByNameTest : public GroupsByNameTest,
                               public ::testing::WithParamInterface<uint32_t> {};

// Whatever some have defined before: each variable is as safe as what was asked for.
TEST_P(RandomGroupsByNameTest, AVariableIsInTheGroupOfWhatItWasAskedForAs) {
  std::mt19937 random(GetParam());
  const auto any = [&](const std::vector<std::string>& all) { return all[random() % all.size()]; };
  std::vector<std::string> prefixes;
  std::vector<std::string> groups;
  for (const char* prefix : {"a", "a_1", "a_1_1", "a/b", "a/b_1", "b"}) {
    if (random() % 2 == 0) continue;
    prefixes.emplace_back(prefix);
    groups.push_back(absl::StrCat(
        prefix, random() % 2 == 0 ? "=async" : "=bsp:workers=3,aggregate=trimmed_mean/1"));
  }
  Start(groups, {"hostile", "honest"});
  const auto is_robust = [&](const std::string& name) {
    const auto group = FindGroupOf(
        prefixes, [](absl::string_view prefix) { return prefix; }, name);
    return group != prefixes.end() &&
           absl::StrContains(groups[group - prefixes.begin()], "aggregate");
  };
  const std::vector<std::string> names = {"a",     "a_1", "a_1_1", "a_2", "a/b", "a/b_1",
                                          "a/b/c", "ab",  "b",     "b_1", "c",   "c_1"};
  size_t refused = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string asked = any(names);
    const bool shared = random() % 2 == 0;
    const std::string proposed = random() % 3 == 0 ? any(names) : asked;
    const absl::StatusOr<Resolution> resolution =
        Define(Asks(any({"hostile", "honest"}), shared ? asked : "", shared ? proposed : asked));
    if (!resolution.ok()) {
      ++refused;
      continue;
    }
    const std::string& name = resolution->variables.at(0)->def.name;
    EXPECT_EQ(MayAssign("hostile", name), !is_robust(asked)) << asked << " is " << name;
  }
  EXPECT_LT(refused, 60U);
}

INSTANTIATE_TEST_SUITE_P(, RandomGroupsByNameTest, ::testing::Range(1U, 41U));

}  // namespace
}  // namespace varscope::server
