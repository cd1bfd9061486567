#include "server/catalog/name_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Others wait while a name that is not there is looked for.
TEST(NameTableTest, OnlyASmallTableIsSearchedForAHint) {
  NameTable table;
  const auto refusal = [&](const std::string& name) {
    const absl::Status status = table.Find(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    return std::string(status.message());
  };
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(table
                    .Add(std::make_shared<Variable>(
                        VariableDefinition{.name = absl::StrCat("a/v", i), .shape = Shape{1}},
                        MemoryAccount::Hold()))
                    .ok());
    if (i != 0 && i != 4999) continue;
    EXPECT_THAT(refusal("b/v"), HasSubstr(absl::StrCat("which has ", i + 1, " variables")));
    EXPECT_THAT(refusal("a/v"), Not(HasSubstr("the scope")));
    EXPECT_EQ(refusal("b/v").find("the scope 'b' has none") != std::string::npos, i == 0);
  }
}

}  // namespace
}  // namespace varscope::server
