// Changes as records, and back.
#include "server/durability/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/tensor/portable_math.h"
#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The record of a variable that begins so, with another version of what computes it.
std::string HeaderWith(const std::string& kind, uint32_t math) {
  CreationBatch batch;
  batch.variables.push_back({{.name = "v", .shape = Shape{2}}, InitializerSpec{.kind = kind}, {2}});
  durability::Record record;
  EXPECT_TRUE(record.ParseFromString(ToRecord(batch).header));
  durability::VariableRecord* const v = record.mutable_created()->mutable_variables(0);
  const bool computes = v->math() != 0;
  EXPECT_EQ(computes, kind.starts_with("random"));
  v->set_math(math);
  return record.SerializeAsString();
}

absl::Status Read(const std::string& header) {
  return FromRecord(std::as_bytes(std::span(header)), {}).status();
}

TEST(ConvertTest, AFirstValueThatOtherFunctionsComputedIsRefused) {
  EXPECT_TRUE(Read(HeaderWith("random_normal", kPortableMathVersion)).ok());
  for (const uint32_t other : {0, kPortableMathVersion + 1}) {
    const absl::Status refused = Read(HeaderWith("random_normal", other));
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()),
                AllOf(HasSubstr("variable v"), HasSubstr("SIGTERM")));
    // Nothing is computed there.
    EXPECT_TRUE(Read(HeaderWith("ones", other)).ok());
  }
}

// Each record with everything that it may have, written and read.
TEST(ConvertTest, WhateverMemoryIsMissingNoRecordIsDestroyedBroken) {
  if (testing::IsSanitized()) GTEST_SKIP() << "the sanitizers have their own operator new";
  const std::string long_text(100, 'x');
  CreationBatch batch;
  for (int i = 0; i < 3; ++i) {
    NewVariable& v = batch.variables.emplace_back();
    v.definition.name = absl::StrCat(long_text, i);
    v.definition.shape = v.full_shape = Shape{2};
    v.initializer.emplace().kind = "random_uniform";
    for (int p = 0; p < 20; ++p) v.initializer->parameters[absl::StrCat(long_text, p)] = p;
  }
  batch.partitioned = PartitionedNames{
      long_text, KnownPartitioned{DType::kFloat32, Shape{4}, {2}}, {long_text, long_text}};
  batch.slots = {{long_text, {long_text}}};
  batch.non_slots = batch.slots;
  const auto each = [&](const auto& made) {
    const std::string whole = ToRecord(made).header;
    bool failed = true;
    for (uint64_t calls = 0; failed; ++calls) {
      SCOPED_TRACE(calls);
      const testing::FailingMemory failing(calls);
      try {
        const RecordBytes record = ToRecord(made);
        const absl::Status read =
            FromRecord(std::as_bytes(std::span(whole)), std::span<const std::byte>()).status();
        failed = failing.failed();
        ASSERT_EQ(record.header, whole);
        ASSERT_TRUE(read.ok() || failed) << read;
      } catch (const std::bad_alloc&) {
        // Whoever calls it makes an error of it.
      }
    }
  };
  each(batch);
  WorkerRecord worker{.worker_id = long_text, .host = long_text};
  worker.quarantine = long_text;
  each(worker);
  each(RollbackRecord{.source = long_text, .position = 3});
}

}  // namespace
}  // namespace varscope::server
