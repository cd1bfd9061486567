// What a branch of a condition and a loop read of variables, after what control_dependencies around
// them and inside name. The values are TensorFlow 2.21's (tf.compat.v1, resource variables).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/server_process.h"
#include "varscope/control_flow.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;
using Outputs = std::vector<Output>;

class BranchOrderTest : public ::testing::Test {
 protected:
  // What `make` returns when it is built in a branch that is taken.
  static Output Taken(const std::function<Output()>& make) {
    return cond(
        constant(Tensor::Scalar(true)), [&] { return Outputs{make()}; },
        [&] { return Outputs{constant(0.0F)}; })[0];
  }
  float Run(const Output& y) {
    session_.run(v_.assign(1));
    return session_.run(y).scalar<float>();
  }
  float Stored() { return session_.read("v").scalar<float>(); }
  // The message of the ValueError, or nothing.
  static std::string Refused(const std::function<Output()>& make) {
    try {
      Taken(make);
    } catch (const ValueError& error) {
      return error.message();
    }
    return "nothing";
  }

  ServerProcess server_;
  Graph graph_{server_.target()};
  ScopeGuard use_ = graph_.as_default();
  Session session_;
  Variable v_ = get_variable("v", {.initializer = Initializer(Tensor::Scalar(1.0F))});
};

TEST_F(BranchOrderTest, ABranchReadsAfterWhatItsConditionWaitsFor) {
  const control_dependencies after({v_.assign(10).op()});
  EXPECT_EQ(Run(v_ + 0), 10);
  EXPECT_EQ(Run(Taken([&] { return v_ + 0; })), 10);
  EXPECT_EQ(Run(Taken([&] { return v_.value(); })), 10);
  EXPECT_EQ(Run(Taken([&] { return Taken([&] { return v_ * 2; }); })), 20);
  // What the program says is to be of before stays so.
  EXPECT_EQ(Run(Taken([&] { return v_.unordered_value() + 0; })), 1);
}

TEST_F(BranchOrderTest, ALoopReadsAfterWhatItWaitsFor) {
  const control_dependencies after({v_.assign(10).op()});
  const Output twice = while_loop([](const Outputs& at) { return less(at[0], 2); },
                                  [&](const Outputs& at) {
                                    return Outputs{at[0] + constant(1), add(at[1], v_)};
                                  },
                                  {constant(0), constant(0.0F)})[1];
  EXPECT_EQ(Run(twice), 20);
  const Output while_small =
      while_loop([&](const Outputs& at) { return less(at[0], v_); },
                 [](const Outputs& at) { return Outputs{at[0] + 1}; }, {constant(0.0F)})[0];
  EXPECT_EQ(Run(while_small), 10);
}

TEST_F(BranchOrderTest, ABranchReadsAfterATrainingStepBeforeIt) {
  const Operation step = train::GradientDescentOptimizer(0.5).minimize(v_ * 1);
  const control_dependencies after({step});
  EXPECT_EQ(Run(Taken([&] { return v_ + 0; })), 0.5);
}

TEST_F(BranchOrderTest, ControlInsideABranchMayNameWhatIsOutside) {
  const Output ten = v_.assign(10);
  const auto after_ten = [&] {
    const control_dependencies after({ten.op()});
    return v_ + 0;
  };
  EXPECT_EQ(Run(Taken(after_ten)), 10);
  EXPECT_EQ(Run(Taken([&] { return Taken(after_ten); })), 10);
  // Through an op of the branch.
  EXPECT_EQ(Run(Taken([&] {
              const control_dependencies after({(ten * 2).op()});
              return v_ + 0;
            })),
            10);
}

TEST_F(BranchOrderTest, AReadAfterAChangeInTheBranchHasWhatThatMakes) {
  const auto read_after = [&](const Output& change) {
    const control_dependencies after({change.op()});
    return v_.value();
  };
  EXPECT_EQ(Run(Taken([&] { return read_after(v_.assign(10)); })), 10);
  EXPECT_EQ(Stored(), 10);
  EXPECT_EQ(Run(Taken([&] { return read_after(v_.assign_add(10)); })), 11);
  EXPECT_EQ(Stored(), 11);
  EXPECT_EQ(Run(Taken([&] { return read_after(v_.assign_sub(10)) + 0; })), -9);
  EXPECT_EQ(Run(Taken([&] {
              const control_dependencies after({v_.assign(10).op()});
              return read_after(v_.assign_add(5));
            })),
            15);
  EXPECT_EQ(Run(Taken([&] { return v_.assign_add(v_.assign_add(1)); })), 4);
  EXPECT_EQ(Run(Taken([&] {
              const control_dependencies after({v_.assign(10).op()});
              return Taken([&] { return v_ + 1; });
            })),
            11);
  const control_dependencies around({v_.assign(100).op()});
  EXPECT_EQ(Run(Taken([&] { return read_after(v_.assign_add(10)); })), 110);
}

TEST_F(BranchOrderTest, PartsAreReadInTheSameOrder) {
  const Variable p = get_variable("p", {.shape = Shape{4},
                                        .initializer = ones_initializer(),
                                        .partitioner = fixed_size_partitioner(2)});
  const Output inside = Taken([&] {
    const control_dependencies after({p.parts()[1].assign({7, 8}).op()});
    return reduce_sum(p);
  });
  EXPECT_EQ(session_.run(inside).scalar<float>(), 17);
  const control_dependencies after({p.parts()[0].assign({5, 6}).op()});
  EXPECT_EQ(session_.run(Taken([&] { return reduce_sum(p); })).scalar<float>(), 26);
}

// The second optimizer attaches to the slot that the first has made.
TEST_F(BranchOrderTest, AStepOfEitherOptimizerChangesTheSlotThatTheyShare) {
  const auto step = [&](const train::Optimizer& optimizer) {
    const variable_scope scope("opt", {.reuse = AUTO_REUSE});
    return optimizer.minimize(v_ * 1);
  };
  const train::Optimizer first = train::MomentumOptimizer(1.0, 0.5);
  const train::Optimizer second = train::MomentumOptimizer(1.0, 0.5);
  step(first);
  step(second);
  const Variable slot = first.slots().front().variable;
  ASSERT_TRUE(second.slots().front().variable == slot);
  for (const train::Optimizer& optimizer : {first, second}) {
    EXPECT_THAT(Refused([&] {
                  const control_dependencies after({step(optimizer)});
                  return slot + 0;
                }),
                HasSubstr("(ApplyGradients) has no value inside a branch of a condition"));
  }
}

TEST_F(BranchOrderTest, WhatCannotBeKnownInTheBranchIsRefused) {
  const Variable w = get_variable("w", {.shape = Shape{2}, .initializer = ones_initializer()});
  EXPECT_THAT(
      Refused([&] {
        const control_dependencies after({w.scatter_add(Tensor::Of<int64_t>({1}, {0}), {1}).op()});
        return reduce_sum(w);
      }),
      HasSubstr("(ResourceScatterAdd) has no value inside a branch of a condition"));
  EXPECT_THAT(
      Refused([&] {
        const control_dependencies after({train::GradientDescentOptimizer(1).minimize(v_ * 1)});
        return v_ + 0;
      }),
      HasSubstr("(ApplyGradients) has no value inside a branch of a condition"));
  EXPECT_THAT(Refused([&] {
                const control_dependencies after({Taken([&] { return v_.assign(3); }).op()});
                return v_ + 0;
              }),
              HasSubstr("(AssignVariableOp) has no value inside a branch of a condition"));
  EXPECT_THAT(Refused([&] {
                const control_dependencies after({v_.assign_add(1).op(), v_.assign_add(2).op()});
                return v_ + 0;
              }),
              HasSubstr("without an order"));
  // Other variables may be read.
  EXPECT_EQ(
      session_
          .run(Taken([&] {
            const control_dependencies after({train::GradientDescentOptimizer(1).minimize(v_ * 1)});
            return reduce_sum(w);
          }))
          .scalar<float>(),
      2);
}

}  // namespace
}  // namespace varscope::testing
