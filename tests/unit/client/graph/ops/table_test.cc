// Every op can be carried out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "client/graph/node.h"
#include "client/graph/op_def.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

TEST(OpTableTest, EveryOpHasAKernelOrIsTheSessionsOwn) {
  const std::vector<std::string> of_the_session = {"Placeholder",
                                                   "Const",
                                                   "NoOp",
                                                   "BodyArg",
                                                   "If",
                                                   "While",
                                                   "VarHandleOp",
                                                   "ReadVariableOp",
                                                   "AssignVariableOp",
                                                   "AssignAddVariableOp",
                                                   "AssignSubVariableOp",
                                                   "ResourceScatterUpdate",
                                                   "ResourceScatterAdd",
                                                   "ResourceScatterSub",
                                                   "ApplyGradients",
                                                   "InitializeVariables"};
  for (absl::string_view name : internal::OpNames()) {
    const internal::OpDef& op = internal::FindOp(name);
    if (op.kernel == nullptr) {
      EXPECT_THAT(of_the_session, ::testing::Contains(std::string(name)));
    }
  }
}

}  // namespace
}  // namespace varscope
