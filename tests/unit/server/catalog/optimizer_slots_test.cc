#include "server/catalog/optimizer_slots.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace varscope::server {
namespace {

TEST(OptimizerSlotsTest, ThreadsThatRaceGetTheSameSlots) {
  Catalog catalog(StoreLimits{});
  size_t records = 0;
  catalog.Observe([&](const CreationBatch&) {
    ++records;  // one at a time
    return absl::OkStatus();
  });
  ResolveRequest request;
  request.request = {"w", DType::kFloat32, Shape{100}, Reuse::kAuto, std::nullopt};
  request.name = "w";
  request.initializer = InitializerSpec{.kind = "zeros"};
  const VariablePtr w = catalog.Resolve({"w", 1}, request).value().variables.front();
  const optimizers::Optimizer& adam = *optimizers::FindOptimizer("Adam");
  const optimizers::Hyperparameters hyperparameters = optimizers::FillHyperparameters(adam, {});
  const OptimizerSpec spec{.optimizer = "Adam", .name = "Adam", .group = "w"};
  const Creator creator;
  const SlotNames no_names;
  std::vector<OptimizerState> states(16);
  std::vector<std::thread> threads;
  for (OptimizerState& state : states) {
    threads.emplace_back([&] {
      const std::vector<StateRequest> requests = {
          {adam, hyperparameters, spec, creator, {{*w, no_names}}}};
      state = GetOrCreateSlots(catalog, requests).value().front();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const OptimizerState& state : states) {
    EXPECT_EQ(state.slots, states.front().slots);
    EXPECT_EQ(state.non_slots, states.front().non_slots);
  }
  EXPECT_EQ(catalog.List("").size(), 5U);
  EXPECT_EQ(records, 2U);
}

}  // namespace
}  // namespace varscope::server
