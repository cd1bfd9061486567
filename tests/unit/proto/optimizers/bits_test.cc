// Recovery makes updates again, perhaps on another machine: the bits must be the same.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "proto/optimizers/optimizer.h"
#include "proto/wire/crc32c.h"

namespace varscope::optimizers {
namespace {

constexpr size_t kRows = 40;
constexpr size_t kColumns = 25;

// What three updates, the second of them sparse, make of a variable and its slots.
template <typename T>
uint32_t HashAfterUpdates(const Optimizer& optimizer, const Hyperparameters& h, uint32_t hash) {
  std::mt19937 random(5);
  const auto draw = [&](size_t n) {
    std::vector<T> values(n);
    for (T& x : values) x = static_cast<T>(random() % 20001) / 10000 - 1;
    return values;
  };
  std::vector<T> variable = draw(kRows * kColumns);
  std::vector<std::vector<T>> slots;
  for (const StateDef& slot : optimizer.slots(h)) {
    slots.emplace_back(variable.size(), static_cast<T>(InitialValue(optimizer, h, slot)));
  }
  std::vector<double> non_slots;
  for (const StateDef& scalar : optimizer.non_slots) {
    non_slots.push_back(InitialValue(optimizer, h, scalar));
  }
  const std::vector<int64_t> rows = {7, 3, 39, 0, 20};
  for (int step = 0; step < 3; ++step) {
    const bool sparse = step == 1;
    const std::vector<T> gradient = draw(sparse ? rows.size() * kColumns : variable.size());
    std::vector<T> scratch(variable.size());
    UpdateArgs<T> args{
        .variable = variable, .slots = {}, .gradient = gradient, .h = h, .non_slots = non_slots};
    for (std::vector<T>& slot : slots) args.slots.push_back(slot);
    if (sparse) {
      args.rows = rows;
      args.row_size = kColumns;
    }
    if (optimizer.NeedsScratch(sparse)) args.scratch = scratch;
    optimizer.Apply(args, sparse);
    optimizer.finish(h, non_slots);
  }
  hash = Crc32c(std::as_bytes(std::span(variable)), hash);
  for (const std::vector<T>& slot : slots) hash = Crc32c(std::as_bytes(std::span(slot)), hash);
  return Crc32c(std::as_bytes(std::span(non_slots)), hash);
}

TEST(OptimizerBitsTest, AreTheSameEverywhere) {
  uint32_t hash = 0;
  for (const absl::string_view name : OptimizerNames()) {
    const Optimizer& optimizer = *FindOptimizer(name);
    std::map<std::string, double> given;
    for (const HyperparameterDef& def : optimizer.hyperparameters) {
      if (std::isnan(def.default_value)) given[std::string(def.name)] = 0.01;
    }
    for (const bool changed : {false, true}) {
      // Other powers than roots, and the branches of flags.
      if (changed && name == "Ftrl") given["learning_rate_power"] = -0.7;
      if (changed && name == "Momentum") given["use_nesterov"] = 1;
      if (changed && name == "RMSProp") given["centered"] = 1;
      const Hyperparameters h = FillHyperparameters(optimizer, given);
      hash = HashAfterUpdates<float>(optimizer, h, hash);
      hash = HashAfterUpdates<double>(optimizer, h, hash);
    }
  }
  EXPECT_EQ(hash, 0xc8713638U);
}

}  // namespace
}  // namespace varscope::optimizers
