// A definition is at the line of the program that calls, or at the one that a binding names.
#include "varscope/source_location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using ::testing::EndsWith;

class SourceLocationTest : public ::testing::Test {
 protected:
  const Creator& CreatorOf(const Variable& variable) { return internal::Unwrap(variable)->creator; }
  // Of the slots of the optimizer that `train` runs.
  const Creator& CreatorOf(const Operation& train) {
    return internal::Unwrap(train)->control_inputs.at(0)->apply->creator;
  }
  template <typename T>
  void ExpectHere(const T& defined, int line) {
    EXPECT_EQ(CreatorOf(defined).line, line);
    EXPECT_THAT(CreatorOf(defined).file, EndsWith("source_location_test.cc"));
  }

  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
};

// Every call that defines something, each on a line of its own.
TEST_F(SourceLocationTest, TheDefaultIsTheCallersLine) {
  ExpectHere(get_variable("a", {2}), __LINE__);
  ExpectHere(get_variable("b", {2}, float64), __LINE__);
  ExpectHere(get_variable("c", Shape{2}), __LINE__);
  ExpectHere(get_variable("d", Shape{2}, float64), __LINE__);
  ExpectHere(get_variable("e", {.shape = Shape{2}}), __LINE__);
  ExpectHere(Variable(1.0), __LINE__);
  ExpectHere(Variable(1.0, {.name = "f"}), __LINE__);
  ExpectHere(train::get_or_create_global_step(), __LINE__);
  const Variable w = get_variable("w", {2});
  const train::Optimizer sgd = train::GradientDescentOptimizer(0.1);
  ExpectHere(sgd.minimize(reduce_sum(w * w)), __LINE__);
  ExpectHere(sgd.apply_gradients(sgd.compute_gradients(reduce_sum(w * w))), __LINE__);
  const variable_scope scope("s", {.initializer = Initializer(1.0)});
  ExpectHere(get_variable("g"), __LINE__);
}

Variable Helper(const std::string& name,
                const SourceLocation& where = std::source_location::current()) {
  return get_variable(name, {2}, where);
}

TEST_F(SourceLocationTest, AFunctionMayPassItsCallersLine) { ExpectHere(Helper("a"), __LINE__); }

// What a binding does: the file and line of the Python program.
TEST_F(SourceLocationTest, AnyFileAndLineMayBeGiven) {
  const Variable w = get_variable("w", {2}, {"train.py", 7});
  const train::Optimizer sgd = train::GradientDescentOptimizer(0.1);
  const Output loss = reduce_sum(w * w);
  const std::vector<Creator> creators = {
      CreatorOf(w),
      CreatorOf(get_variable("x", {2}, float64, {"train.py", 7})),
      CreatorOf(get_variable("y", Shape{2}, {"train.py", 7})),
      CreatorOf(get_variable("z", {.shape = Shape{2}}, {"train.py", 7})),
      CreatorOf(Variable(1.0, {}, {"train.py", 7})),
      CreatorOf(train::get_or_create_global_step({"train.py", 7})),
      CreatorOf(sgd.minimize(loss, {}, {}, "", {"train.py", 7})),
      CreatorOf(sgd.apply_gradients(sgd.compute_gradients(loss), {}, "", {"train.py", 7}))};
  for (const Creator& creator : creators) {
    EXPECT_EQ(creator.file, "train.py");
    EXPECT_EQ(creator.line, 7);
  }
  try {
    get_variable("w", {2}, {"again.py", 9});
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_THAT(error.detail(), ::testing::HasSubstr("train.py:7"));
    EXPECT_THAT(error.detail(), ::testing::HasSubstr("again.py:9"));
  }
}

}  // namespace
}  // namespace varscope
