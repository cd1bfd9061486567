#include <cmath>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/optimizers/optimizer.h"
#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

const std::vector<Optimizer>& Registry() {
  static const auto* const registry = new std::vector<Optimizer>{
      GradientDescent(), Momentum(), Adagrad(), Adadelta(), Adam(),
      RMSProp(),         Ftrl(),     AdamW(),   Lamb(),
  };
  return *registry;
}

}  // namespace

const Optimizer* FindOptimizer(absl::string_view name) {
  for (const Optimizer& optimizer : Registry()) {
    if (optimizer.name == name) return &optimizer;
  }
  return nullptr;
}

std::vector<absl::string_view> OptimizerNames() {
  std::vector<absl::string_view> names;
  for (const Optimizer& optimizer : Registry()) names.push_back(optimizer.name);
  return names;
}

Hyperparameters FillHyperparameters(const Optimizer& optimizer,
                                    const std::map<std::string, double>& given) {
  Hyperparameters values;
  for (const HyperparameterDef& def : optimizer.hyperparameters) {
    const auto it = given.find(std::string(def.name));
    values.push_back(it != given.end() ? it->second : def.default_value);
  }
  return values;
}

absl::StatusOr<Hyperparameters> ReadHyperparameters(const Optimizer& optimizer,
                                                    const std::map<std::string, double>& given) {
  Hyperparameters values = FillHyperparameters(optimizer, given);
  size_t used = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const HyperparameterDef& def = optimizer.hyperparameters[i];
    used += given.count(std::string(def.name));
    if (std::isfinite(values[i])) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(optimizer.name, " needs a finite value for '", def.name, "'"));
  }
  if (used == given.size()) return values;
  const auto name = [](std::string* out, const HyperparameterDef& def) {
    absl::StrAppend(out, def.name);
  };
  return absl::InvalidArgumentError(
      absl::StrCat("unknown hyperparameter given to ", optimizer.name,
                   ", which takes: ", absl::StrJoin(optimizer.hyperparameters, ", ", name)));
}

double InitialValue(const Optimizer& optimizer, const Hyperparameters& hyperparameters,
                    const StateDef& state) {
  if (state.from.empty()) return state.initial_value;
  for (size_t i = 0; i < optimizer.hyperparameters.size(); ++i) {
    if (optimizer.hyperparameters[i].name == state.from) return hyperparameters[i];
  }
  return 0;
}

}  // namespace varscope::optimizers
