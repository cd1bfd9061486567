// What answers take is reserved before they are made.
#include "server/rpc/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/tensor/block_pool.h"
#include "server/rpc/convert.h"
#include "server/rpc/worker_calls.h"
#include "tests/unit/server/rpc/service_parts.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

std::string Text(std::mt19937& random) {
  const size_t sizes[] = {0, 1, 16, 40, 1024, 20000};
  std::string text(sizes[random() % 6], 'x');
  // A text of paths and errors may have any bytes.
  if (random() % 4 == 0) std::fill(text.begin(), text.end(), '\xff');
  return text;
}

template <typename Message, typename T>
void ExpectReserved(T& part) {
  Message message;
  ToProto(part, &message);
  EXPECT_LE(message.SpaceUsedLong() + message.ByteSizeLong(), AnswerBytesOf(part));
}

TEST(AnswerTest, WhatAPartTakesIsNotUnderestimated) {
  std::mt19937 random(11);
  for (int i = 0; i < 500; ++i) {
    const auto name = [&] { return std::string(random() % 1024, 'n'); };
    const auto creator = [&] {
      return Creator{.worker_id = name(),
                     .host = name(),
                     .pid = INT64_MAX,
                     .file = name(),
                     .line = INT32_MAX,
                     .time_unix_micros = INT64_MAX};
    };
    Resolution resolution;
    for (uint32_t v = random() % 4; v > 0; --v) {
      VariableDefinition def{.name = name(),
                             .key = name(),
                             .primary = name(),
                             .creator = creator(),
                             .initializer = name(),
                             .seed = UINT64_MAX};
      def.shape = Shape(std::vector<int64_t>(random() % 9, 1));
      const auto variable = std::make_shared<Variable>(std::move(def), MemoryAccount::Hold());
      variable->pulls = variable->pushes = UINT64_MAX;
      variable->bytes_pulled = variable->bytes_pushed = UINT64_MAX;
      ExpectReserved<v1::VariableInfo>(*variable);
      resolution.variables.push_back(variable);
    }
    resolution.message = Text(random);
    resolution.detail = Text(random);
    resolution.warning = Text(random);
    if (random() % 2 == 0) {
      resolution.partitioning = KnownPartitioned{DType::kFloat32, Shape{5, 6}, {5, 1}};
    }
    for (uint32_t c = random() % 4; c > 0; --c) resolution.creators.push_back(creator());
    ExpectReserved<v1::Resolution>(resolution);
    SnapshotInfo info{.name = name(), .damage = Text(random)};
    ExpectReserved<v1::ListSnapshotsResponse::Snapshot>(info);
  }
}

class LargeAnswerTest : public ::testing::Test, public ServiceParts {
 protected:
  LargeAnswerTest() : caller_(Connect("w")) {
    BlockPool::Process()->FreeKept();
    EXPECT_TRUE(Ask(1).ok());
  }
  ~LargeAnswerTest() override { MemoryAccount::Process().SetLimit(MemoryAccount::kUnlimited); }

  // Defines one variable of 4096 parts, so often, and keeps the answer.
  absl::Status Ask(int times) {
    v1::ResolveRequest request;
    for (int i = 0; i < times; ++i) {
      v1::VariableDefinition& definition = *request.add_definitions();
      definition.set_key("parts");
      definition.set_dtype(v1::DT_FLOAT32);
      definition.set_reuse(v1::REUSE_AUTO);
      definition.mutable_partitioning()->mutable_full_shape()->add_dims(4096);
      definition.mutable_partitioning()->add_partitions(4096);
      definition.mutable_initializer()->set_kind("zeros");
    }
    absl::Status end;
    auto& answer =
        answers_.emplace_back(std::make_unique<Answer<v1::ResolveResponse>>(caller_.holder()));
    Resolve(context, caller_, request, *answer, [&](const absl::Status& status) { end = status; });
    return end;
  }

  const Caller caller_;
  std::vector<std::unique_ptr<Answer<v1::ResolveResponse>>> answers_;
};

TEST_F(LargeAnswerTest, OneAnswerIsBounded) {
  answers_.clear();
  const uint64_t before = MemoryAccount::Process().used();
  const absl::Status status = Ask(1000);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("ask for less in one call"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("worker 'w', variable 'parts'"));
  EXPECT_LE(MemoryAccount::Process().used() - before, AnswerBudget::kMost);
  EXPECT_LE(answers_.back()->operator*().SpaceUsedLong(), AnswerBudget::kMost);
  answers_.clear();
  EXPECT_EQ(MemoryAccount::Process().used(), before);
  EXPECT_TRUE(Ask(1).ok());
}

// Nobody reads them.
TEST_F(LargeAnswerTest, AnswersOfOneWorkerLeaveRoomForThoseOfOthers) {
  MemoryAccount& memory = MemoryAccount::Process();
  answers_.clear();
  const uint64_t before = memory.used();
  constexpr uint64_t kRoom = uint64_t{128} << 20;
  memory.SetLimit(before + kRoom);
  absl::Status refused;
  for (int i = 0; i < 100 && refused.ok(); ++i) refused = Ask(1);
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_TRUE(refused.GetPayload(kRetryAfterKey).has_value());
  EXPECT_LE(memory.used() - before, kRoom / 2);
  Answer<v1::ResolveResponse> other("another");
  EXPECT_TRUE(other.Reserve(uint64_t{8} << 20).ok());
}

}  // namespace
}  // namespace varscope::server
