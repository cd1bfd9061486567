// Changes as records, and back.
#include "server/durability/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "proto/tensor/portable_math.h"

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

}  // namespace
}  // namespace varscope::server
