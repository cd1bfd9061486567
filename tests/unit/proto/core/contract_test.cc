// The naming contract's judge, rule by rule. That its texts are TensorFlow's is what the recordings
// show (tests/conformance).
#include "proto/core/contract.h"

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

class JudgeTest : public ::testing::Test {
 protected:
  JudgeTest() {
    known_.variables["w"] = {DType::kFloat32, Shape{2}};
    known_.variables["p/part_0"] = {DType::kFloat32, Shape{2}};
    known_.variables["p/part_1"] = {DType::kFloat32, Shape{1}};
    known_.partitioned["p"] = {DType::kFloat32, Shape{3}, {2}};
    known_.variables["stray/part_0"] = {DType::kFloat32, Shape{1}};
  }

  Judgement JudgeIt(const std::string& key, Reuse reuse, Shape shape = Shape{2},
                    std::optional<std::vector<int64_t>> partitions = std::nullopt) const {
    return Judge(known_, {key, DType::kFloat32, std::move(shape), reuse, std::move(partitions)});
  }

  Known known_;
};

TEST_F(JudgeTest, ReuseDecidesBetweenSharingAndMistake) {
  EXPECT_EQ(JudgeIt("new", Reuse::kFalse).verdict, Verdict::kCreate);
  EXPECT_EQ(JudgeIt("new", Reuse::kAuto).verdict, Verdict::kCreate);
  EXPECT_EQ(JudgeIt("new", Reuse::kTrue).verdict, Verdict::kMissing);
  EXPECT_EQ(JudgeIt("w", Reuse::kTrue).verdict, Verdict::kAttach);
  EXPECT_EQ(JudgeIt("w", Reuse::kAuto).verdict, Verdict::kAttach);
  const Judgement exists = JudgeIt("w", Reuse::kFalse);
  EXPECT_EQ(exists.verdict, Verdict::kExists);
  EXPECT_EQ(exists.culprit, "w");
}

TEST_F(JudgeTest, SharingChecksShapeAndDType) {
  EXPECT_EQ(JudgeIt("w", Reuse::kTrue, Shape{3}).verdict, Verdict::kMismatch);
  EXPECT_EQ(JudgeIt("w", Reuse::kTrue, Shape{-1}).verdict, Verdict::kAttach);
  EXPECT_EQ(Judge(known_, {"w", DType::kInt32, Shape{2}, Reuse::kTrue, {}}).verdict,
            Verdict::kMismatch);
  EXPECT_EQ(Judge(known_, {"w", DType::kFloat32, std::nullopt, Reuse::kTrue, {}}).verdict,
            Verdict::kAttach);
}

TEST_F(JudgeTest, PartitionedAndWholeVariablesDoNotMix) {
  EXPECT_THAT(JudgeIt("w", Reuse::kTrue, Shape{2}, {{2}}).message,
              HasSubstr("an unpartitioned version of the variable was found: w."));
  EXPECT_THAT(JudgeIt("p", Reuse::kAuto).message,
              HasSubstr("a partitioned version of the variable was found: p/part_0."));
  EXPECT_EQ(JudgeIt("p", Reuse::kTrue, Shape{3}).verdict, Verdict::kAttachPartitioned);
  EXPECT_EQ(JudgeIt("p", Reuse::kAuto, Shape{3}, {{2}}).verdict, Verdict::kAttachPartitioned);
  EXPECT_EQ(JudgeIt("p", Reuse::kAuto, Shape{3}, {{3}}).verdict, Verdict::kMismatch);
  EXPECT_EQ(JudgeIt("p", Reuse::kFalse, Shape{3}, {{2}}).verdict, Verdict::kExists);
  EXPECT_THAT(JudgeIt("stray", Reuse::kFalse, Shape{2}, {{2}}).message,
              HasSubstr("Partitioner returned 2 shards, and shard stray/part_0 was found, but "
                        "stray/part_1 was not."));
  EXPECT_EQ(JudgeIt("new", Reuse::kAuto, Shape{2}, std::vector<int64_t>{}).verdict,
            Verdict::kUndecided);
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
