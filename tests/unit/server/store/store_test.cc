// The store without RPC: get-or-create, consistent reads, all-or-nothing updates, limits.
#include "server/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/status/status.h"
#include "server/store/read.h"
#include "tests/support/push.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = uint64_t{1} << 20;

ResolveRequest Get(const std::string& key, Shape shape, const std::string& kind = "zeros") {
  ResolveRequest request;
  request.request = {key, DType::kFloat32, std::move(shape), Reuse::kAuto, std::nullopt};
  request.name = key;
  request.initializer = InitializerSpec{.kind = kind};
  return request;
}

OptimizerStep Sgd(const std::string& variable, Tensor gradient, double rate = 1) {
  OptimizerStep step;
  step.state = {"GradientDescent", {{"learning_rate", rate}}, "GradientDescent", 0, variable};
  step.updates.push_back({variable, std::move(gradient), std::nullopt});
  return step;
}

Push PushOf(OptimizerStep step) {
  Push push{.id = {.worker_id = "w"}};
  push.steps.push_back(std::move(step));
  return push;
}

class StoreTest : public ::testing::Test {
 protected:
  Tensor Value(const std::string& name) { return ValueOf(store_, name); }
  void Create(const std::string& key, Shape shape, const std::string& kind = "zeros") {
    ASSERT_EQ(store_.catalog.Resolve(caller_, Get(key, std::move(shape), kind)).value().outcome,
              Resolution::Outcome::kCreated);
  }

  Store store_{StoreLimits{kMiB, 4 * kMiB}};
  Caller caller_{"w", 1, Sharing::kGlobal};
};

TEST_F(StoreTest, ThreadsThatRaceGetOneVariable) {
  std::vector<std::thread> threads;
  std::vector<uint64_t> seeds(16);
  for (size_t i = 0; i < seeds.size(); ++i) {
    threads.emplace_back([&, i] {
      const Caller caller{"w" + std::to_string(i), i, Sharing::kGlobal};
      seeds[i] = store_.catalog.Resolve(caller, Get("v", Shape{100}, "random_normal"))
                     .value()
                     .variables[0]
                     ->def.seed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(seeds, ::testing::Each(seeds[0]));
  EXPECT_EQ(store_.catalog.size(), 1U);
}

TEST_F(StoreTest, APulledValueNeverChanges) {
  Create("v", Shape{3}, "ones");
  const Tensor before = Value("v");
  ASSERT_TRUE(Apply(store_, PushOf(Sgd("v", Tensor::Of<float>(Shape{3}, {1, 1, 1})))).ok());
  EXPECT_EQ(Summarize(before), "[1 1 1]");
  EXPECT_EQ(Summarize(Value("v")), "[0 0 0]");
}

TEST_F(StoreTest, UnpinnedBytesAreUpdatedInPlace) {
  Create("v", Shape{3});
  const std::byte* const at = Value("v").raw();
  ASSERT_TRUE(Apply(store_, PushOf(Sgd("v", Tensor::Of<float>(Shape{3}, {1, 1, 1})))).ok());
  EXPECT_EQ(Value("v").raw(), at);
}

TEST_F(StoreTest, APullIsOneConsistentReadOfAllVariables) {
  Create("a", Shape{64});
  Create("b", Shape{64});
  std::thread pusher([&] {
    for (int i = 0; i < 2000; ++i) {
      Push push = PushOf(Sgd("a", Tensor(DType::kFloat32, Shape{64})));
      for (float& x : push.steps[0].updates[0].gradient.mutable_values<float>()) x = 1;
      push.steps[0].updates.push_back(
          {"b", push.steps[0].updates[0].gradient.Clone(), std::nullopt});
      ASSERT_TRUE(Apply(store_, std::move(push)).ok());
    }
  });
  const std::vector<Variable*> variables = {store_.catalog.Find("a").value().get(),
                                            store_.catalog.Find("b").value().get()};
  for (int i = 0; i < 2000; ++i) {
    const std::vector<ReadValue> pulled = ReadTogether(variables).value();
    ASSERT_EQ(pulled[0].version, pulled[1].version);
    ASSERT_TRUE(BytesEqual(pulled[0].value, pulled[1].value));
    ASSERT_EQ(pulled[0].value.data<float>()[63], -static_cast<float>(pulled[0].version));
  }
  pusher.join();
}

TEST_F(StoreTest, APushIsAppliedWholeOrNotAtAll) {
  Create("a", Shape{2});
  Create("b", Shape{2});
  const Tensor good = Tensor::Of<float>(Shape{2}, {1, 1});
  const Tensor nan = Tensor::Of<float>(Shape{2}, {1, std::nanf("")});
  Push push = PushOf(Sgd("a", good));
  push.steps.push_back(Sgd("b", nan));
  const absl::Status status = Apply(store_, push).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("variable b, worker 'w'"));
  EXPECT_EQ(Summarize(Value("a")), "[0 0]");
  EXPECT_EQ(store_.changes.global_step(), 0U);
}

TEST_F(StoreTest, ARefusedPushLeavesNoSlots) {
  Create("a", Shape{2});
  Push push;
  push.id.worker_id = "w";
  const Tensor gradient = Tensor::Of<float>(Shape{2}, {1, 1});
  OptimizerStep adam;
  adam.state = {"Adam", {}, "Adam", 0, "a"};
  adam.updates.push_back({"a", gradient, std::nullopt});
  push.steps = {adam, Sgd("a", gradient)};
  push.steps[1].state.optimizer = "Magic";
  EXPECT_FALSE(Apply(store_, push).ok());
  EXPECT_EQ(store_.catalog.size(), 1U);

  ResolveRequest late = Get("late", Shape{2});
  late.initializer.reset();
  late.worker_initialized = true;
  ASSERT_TRUE(store_.catalog.Resolve(caller_, late).ok());
  adam.updates[0].variable = "late";
  EXPECT_EQ(Apply(store_, PushOf(adam)).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_.catalog.size(), 2U);
}

OptimizerStep NamedAdam(const std::string& variable, const std::string& scope) {
  OptimizerStep adam;
  adam.state = {.optimizer = "Adam",
                .name = "Adam",
                .group = variable,
                .non_slots = {scope + "beta1_power", scope + "beta2_power"}};
  adam.updates.push_back({.variable = variable,
                          .gradient = Tensor::Of<float>(Shape{1}, {1}),
                          .slots = {scope + variable + "/Adam", scope + variable + "/Adam_1"}});
  return adam;
}

TEST_F(StoreTest, SlotsAreSharedByTheNamesThatWorkersGiveThem) {
  Create("w", Shape{1});
  ASSERT_TRUE(Apply(store_, PushOf(NamedAdam("w", "opt/"))).ok());
  ASSERT_TRUE(Apply(store_, PushOf(NamedAdam("w", ""))).ok());
  ASSERT_TRUE(Apply(store_, PushOf(NamedAdam("w", "opt/"))).ok());
  EXPECT_EQ(store_.catalog.size(), 9U);
  EXPECT_NEAR(Value("opt/beta1_power").scalar<float>(), 0.729, 1e-6);
  EXPECT_NEAR(Value("beta1_power").scalar<float>(), 0.81, 1e-6);
  EXPECT_NEAR(Value("opt/w/Adam").data<float>()[0], 0.19, 1e-6);
  EXPECT_NEAR(Value("w/Adam").data<float>()[0], 0.1, 1e-6);
  EXPECT_EQ(store_.catalog.Find("opt/w/Adam").value()->def.primary, "w");
}

TEST_F(StoreTest, StateThatNobodyNamedIsSharedByItsNames) {
  Create("w", Shape{1});
  OptimizerStep unnamed = NamedAdam("w", "");
  unnamed.state.non_slots.clear();
  unnamed.updates[0].slots.clear();
  ASSERT_TRUE(Apply(store_, PushOf(unnamed)).ok());
  ASSERT_TRUE(Apply(store_, PushOf(NamedAdam("w", ""))).ok());
  ASSERT_TRUE(Apply(store_, PushOf(unnamed)).ok());
  EXPECT_EQ(store_.catalog.size(), 5U);
  EXPECT_NEAR(Value("beta1_power").scalar<float>(), 0.6561, 1e-6);
  ASSERT_TRUE(Apply(store_, PushOf(NamedAdam("w", "opt/"))).ok());
  EXPECT_EQ(store_.catalog.size(), 9U);
}

TEST_F(StoreTest, ASlotWhoseNameIsTakenGetsTheNextFreeOne) {
  Create("w", Shape{1});
  Create("w/Adam", Shape{3});
  ASSERT_TRUE(Apply(store_, PushOf(NamedAdam("w", ""))).ok());
  OptimizerStep momentum = NamedAdam("w", "");
  momentum.state = {.optimizer = "Momentum",
                    .hyperparameters = {{"learning_rate", 1}, {"momentum", 0.5}},
                    .name = "Adam",
                    .group = "w"};
  momentum.updates[0].slots = {"w/Adam_1"};
  ASSERT_TRUE(Apply(store_, PushOf(momentum)).ok());
  EXPECT_EQ(store_.catalog.size(), 7U);
  EXPECT_EQ(Summarize(Value("w/Adam")), "[0 0 0]");
}

TEST_F(StoreTest, NamesOfSlotsAreChecked) {
  Create("w", Shape{1});
  OptimizerStep few = NamedAdam("w", "");
  few.updates[0].slots.pop_back();
  EXPECT_THAT(std::string(Apply(store_, PushOf(few)).status().message()),
              HasSubstr("variable w: 1 names for the 2 states of Adam"));
  OptimizerStep wrong = NamedAdam("w", "");
  wrong.updates[0].slots[0] = "a b";
  EXPECT_EQ(Apply(store_, PushOf(wrong)).status().code(), absl::StatusCode::kInvalidArgument);
  OptimizerStep non_slots = NamedAdam("w", "");
  non_slots.state.non_slots.emplace_back("more");
  EXPECT_EQ(Apply(store_, PushOf(non_slots)).status().code(), absl::StatusCode::kInvalidArgument);
  OptimizerStep creation = NamedAdam("w", "");
  creation.updates.clear();
  creation.create_slots = {{"w", {"w/Adam"}}};
  EXPECT_EQ(Apply(store_, PushOf(creation)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_.catalog.size(), 1U);
  creation.create_slots = {{"w", {"w/Adam", "w/Adam_1"}}};
  EXPECT_TRUE(Apply(store_, PushOf(creation)).ok());
  EXPECT_EQ(store_.catalog.size(), 5U);
}

TEST_F(StoreTest, LimitsAreCheckedBeforeMemoryIsTaken) {
  const absl::Status large =
      store_.catalog.Resolve(caller_, Get("v", Shape{kMiB / 4 + 1})).status();
  EXPECT_EQ(large.code(), absl::StatusCode::kInvalidArgument);
  for (int i = 0; i < 4; ++i) Create("v" + std::to_string(i), Shape{kMiB / 4});
  EXPECT_EQ(store_.catalog.Resolve(caller_, Get("more", Shape{1})).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_.catalog.size(), 4U);
}

// Else a million variables without elements would be free.
TEST_F(StoreTest, NamesAndTextsHaveALimitOfTheirOwn) {
  constexpr uint64_t kNames = 100'000;
  Store store(StoreLimits{.max_names_bytes = kNames});
  const std::string name(900, 'n');
  uint64_t created = 0;
  absl::Status status;
  for (; status.ok(); ++created) {
    status = store.catalog.Resolve(caller_, Get(name + std::to_string(created), Shape{0})).status();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_LT(created, kNames / name.size());
  EXPECT_TRUE(store.catalog.Resolve(caller_, Get(name + "0", Shape{0})).ok());
}

TEST_F(StoreTest, AHugePartitioningIsRefusedBeforeItIsCut) {
  ResolveRequest request = Get("p", Shape{8});
  request.request.partitions = {{int64_t{1} << 40}};
  EXPECT_EQ(store_.catalog.Resolve(caller_, request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(StoreTest, PartsOfAPartitionedVariableSumToTheWhole) {
  ResolveRequest request = Get("p", Shape{5, 2});
  request.initializer->kind = "value";
  request.initializer->value = Tensor::Of<float>(Shape{5, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  request.request.partitions = {{2, 1}};
  ASSERT_TRUE(store_.catalog.Resolve(caller_, request).ok());
  EXPECT_EQ(Summarize(Value("p/part_0")), "[0 1 2 3 4 5]");
  EXPECT_EQ(Summarize(Value("p/part_1")), "[6 7 8 9]");
}

TEST_F(StoreTest, TheSameWorkerInAnotherIncarnationIsTheSameCreator) {
  ResolveRequest request = Get("v", Shape{2});
  request.request.reuse = Reuse::kFalse;
  request.creator.worker_id = "w";
  ASSERT_EQ(store_.catalog.Resolve(caller_, request).value().outcome,
            Resolution::Outcome::kCreated);
  EXPECT_EQ(store_.catalog.Resolve({"w", 2, Sharing::kGlobal}, request).value().outcome,
            Resolution::Outcome::kAttached);
  EXPECT_EQ(store_.catalog.Resolve({"other", 3, Sharing::kGlobal}, request).value().outcome,
            Resolution::Outcome::kRefused);
  EXPECT_EQ(store_.catalog.Resolve({"other", 3, Sharing::kReplicated}, request).value().outcome,
            Resolution::Outcome::kAttached);
}

TEST_F(StoreTest, AnUnknownVariableIsNamed) {
  const absl::Status status = store_.catalog.Find("nowhere/v").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'nowhere/v'"));
}

}  // namespace
}  // namespace varscope::server
