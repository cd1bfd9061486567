// The reuse check, rule by rule. That its texts are TensorFlow's is what the recordings show
// (tests/conformance).
#include "proto/naming/contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace varscope {
namespace {

using ::testing::HasSubstr;

class Known : public Definitions {
 public:
  std::map<std::string, KnownVariable> variables;
  std::map<std::string, KnownPartitioned> partitioned;
  std::optional<KnownVariable> FindVariable(const std::string& key) const override {
    const auto it = variables.find(key);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<KnownPartitioned> FindPartitioned(const std::string& key) const override {
    const auto it = partitioned.find(key);
    return it == partitioned.end() ? std::nullopt : std::optional(it->second);
  }
};

class ReuseCheckTest : public ::testing::Test {
 protected:
  ReuseCheckTest() {
    known_.variables["w"] = {DType::kFloat32, Shape{2}};
    known_.variables["p/part_0"] = {DType::kFloat32, Shape{2}};
    known_.variables["p/part_1"] = {DType::kFloat32, Shape{1}};
    known_.partitioned["p"] = {DType::kFloat32, Shape{3}, {2}};
    known_.variables["stray/part_0"] = {DType::kFloat32, Shape{1}};
  }

  ReuseCheck Check(const std::string& key, Reuse reuse, Shape shape = Shape{2},
                   std::optional<std::vector<int64_t>> partitions = std::nullopt) const {
    return CheckReuse(known_,
                      {key, DType::kFloat32, std::move(shape), reuse, std::move(partitions)});
  }

  Known known_;
};

TEST_F(ReuseCheckTest, ReuseDecidesBetweenSharingAndMistake) {
  EXPECT_EQ(Check("new", Reuse::kFalse).decision, ReuseDecision::kCreate);
  EXPECT_EQ(Check("new", Reuse::kAuto).decision, ReuseDecision::kCreate);
  EXPECT_EQ(Check("new", Reuse::kTrue).decision, ReuseDecision::kMissing);
  EXPECT_EQ(Check("w", Reuse::kTrue).decision, ReuseDecision::kAttach);
  EXPECT_EQ(Check("w", Reuse::kAuto).decision, ReuseDecision::kAttach);
  const ReuseCheck exists = Check("w", Reuse::kFalse);
  EXPECT_EQ(exists.decision, ReuseDecision::kExists);
  EXPECT_EQ(exists.conflicting_key, "w");
}

TEST_F(ReuseCheckTest, SharingChecksShapeAndDType) {
  EXPECT_EQ(Check("w", Reuse::kTrue, Shape{3}).decision, ReuseDecision::kMismatch);
  EXPECT_EQ(Check("w", Reuse::kTrue, Shape{-1}).decision, ReuseDecision::kAttach);
  EXPECT_EQ(CheckReuse(known_, {"w", DType::kInt32, Shape{2}, Reuse::kTrue, {}}).decision,
            ReuseDecision::kMismatch);
  EXPECT_EQ(CheckReuse(known_, {"w", DType::kFloat32, std::nullopt, Reuse::kTrue, {}}).decision,
            ReuseDecision::kAttach);
}

TEST_F(ReuseCheckTest, PartitionedAndWholeVariablesDoNotMix) {
  EXPECT_THAT(Check("w", Reuse::kTrue, Shape{2}, {{2}}).message,
              HasSubstr("an unpartitioned version of the variable was found: w."));
  EXPECT_THAT(Check("p", Reuse::kAuto).message,
              HasSubstr("a partitioned version of the variable was found: p/part_0."));
  EXPECT_EQ(Check("p", Reuse::kTrue, Shape{3}).decision, ReuseDecision::kAttachPartitioned);
  EXPECT_EQ(Check("p", Reuse::kAuto, Shape{3}, {{2}}).decision, ReuseDecision::kAttachPartitioned);
  EXPECT_EQ(Check("p", Reuse::kAuto, Shape{3}, {{3}}).decision, ReuseDecision::kMismatch);
  EXPECT_EQ(Check("p", Reuse::kFalse, Shape{3}, {{2}}).decision, ReuseDecision::kExists);
  EXPECT_THAT(Check("stray", Reuse::kFalse, Shape{2}, {{2}}).message,
              HasSubstr("Partitioner returned 2 shards, and shard stray/part_0 was found, but "
                        "stray/part_1 was not."));
  EXPECT_EQ(Check("new", Reuse::kAuto, Shape{2}, std::vector<int64_t>{}).decision,
            ReuseDecision::kUndecided);
}

TEST(SliceTest, LongerPartsComeFirst) {
  const std::vector<Part> parts = Slice("w", Shape{7, 2}, {3, 1});
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].key, "w/part_0");
  EXPECT_EQ(parts[0].shape, (Shape{3, 2}));
  EXPECT_EQ(parts[1].shape, (Shape{2, 2}));
  EXPECT_EQ(parts[2].shape, (Shape{2, 2}));
  EXPECT_EQ(parts[2].offset, (std::vector<int64_t>{5, 0}));
  EXPECT_EQ(Slice("w", Shape{2, 4}, {1, 2})[1].offset, (std::vector<int64_t>{0, 2}));
}

TEST(ValidatePartitionsTest, EachRule) {
  EXPECT_TRUE(ValidatePartitions(Shape{4, 2}, {2, 1}).ok());
  EXPECT_FALSE(ValidatePartitions(Shape{}, {}).ok());
  EXPECT_FALSE(ValidatePartitions(Shape{4}, {2, 1}).ok());
  EXPECT_FALSE(ValidatePartitions(Shape{4}, {0}).ok());
  EXPECT_FALSE(ValidatePartitions(Shape{4, 2}, {2, 2}).ok());
  EXPECT_FALSE(ValidatePartitions(Shape{4}, {int64_t{1} << 40}).ok());
}

}  // namespace
}  // namespace varscope
