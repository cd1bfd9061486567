#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/optimizers/optimizer.h"
#include "proto/optimizers/rules.h"

namespace varscope::optimizers {
namespace {

const std::vector<Optimizer>& Registry() {
#define VARSCOPE_OPTIMIZER(name) name(),
  static const auto* const registry = new std::vector<Optimizer>{
#include "proto/optimizers/optimizers.inc"
  };
#undef VARSCOPE_OPTIMIZER
  return *registry;
}

// The range with numbers for what is not limited.
Interval LimitsOf(Interval range, DType dtype) {
  const double largest = LargestHyperparameter(dtype);
  if (range.least == 0 && range.without_least) {
    range.least = 1 / largest;
    range.without_least = false;
  }
  range.least = std::max(range.least, -largest);
  range.most = std::min(range.most, largest);
  return range;
}

// With all digits that tell it from others, as "%.17g" does.
std::string Exactly(double value) {
  std::array<char, 32> text{};
  const std::to_chars_result end =
      std::to_chars(text.begin(), text.end(), value, std::chars_format::general, 17);
  return {text.begin(), end.ptr};
}

// "[0, 1) for float32 variables"
std::string Text(const Interval& limits, DType dtype) {
  if (limits.whole) return absl::StrCat(limits.least, " or ", limits.most);
  return absl::StrCat(limits.without_least ? "(" : "[", limits.least, ", ", limits.most,
                      limits.without_most ? ")" : "]", " for ", Name(dtype), " variables");
}

bool IsIn(const Interval& limits, double value) {
  const bool within = value >= limits.least && value <= limits.most;
  if (!within) return false;  // NaN is in none
  if (limits.without_least && value == limits.least) return false;
  if (limits.without_most && value == limits.most) return false;
  return !limits.whole || value == std::floor(value);
}

double CastTo(DType dtype, double value) {
  return dtype == DType::kFloat32 ? static_cast<double>(static_cast<float>(value)) : value;
}

absl::Status Check(absl::string_view owner, const HyperparameterDef& def, double value,
                   DType dtype) {
  const Interval limits = LimitsOf(def.range, dtype);
  std::string as_cast;
  if (IsIn(limits, value)) {
    // Rules use some as they are, and some in the dtype.
    const double cast = CastTo(dtype, value);
    if (IsIn(limits, cast)) return absl::OkStatus();
    as_cast = absl::StrCat(", which is ", Exactly(cast), " as ", Name(dtype));
  }
  return absl::InvalidArgumentError(absl::StrCat(owner, ": ", def.name, " is ", Exactly(value),
                                                 as_cast, "; allowed is ", Text(limits, dtype)));
}

bool BeginsNonSlot(const Optimizer& optimizer, const HyperparameterDef& def) {
  return std::any_of(optimizer.non_slots.begin(), optimizer.non_slots.end(),
                     [&](const StateDef& state) { return state.from == def.name; });
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

double LargestHyperparameter(DType dtype) {
  // As the dtype has it: 1e30F is a little more than 1e30.
  return dtype == DType::kFloat32 ? static_cast<double>(1e30F) : 1e300;
}

absl::StatusOr<Hyperparameters> ReadHyperparameters(const Optimizer& optimizer,
                                                    const std::map<std::string, double>& given,
                                                    DType dtype) {
  Hyperparameters values = FillHyperparameters(optimizer, given);
  size_t used = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const HyperparameterDef& def = optimizer.hyperparameters[i];
    const size_t is_given = given.count(std::string(def.name));
    used += is_given;
    if (is_given == 0 && std::isnan(def.default_value)) {
      return absl::InvalidArgumentError(absl::StrCat(optimizer.name, " needs a finite value for '",
                                                     def.name, "'; allowed is ",
                                                     Text(LimitsOf(def.range, dtype), dtype)));
    }
    absl::Status status = Check(optimizer.name, def, values[i], dtype);
    // Non-slot variables are float32, whatever the trained ones are.
    if (status.ok() && BeginsNonSlot(optimizer, def)) {
      status = Check(optimizer.name, def, values[i], DType::kFloat32);
    }
    if (!status.ok()) return status;
  }
  if (used == given.size()) return values;
  const auto name = [](std::string* out, const HyperparameterDef& def) {
    absl::StrAppend(out, def.name);
  };
  return absl::InvalidArgumentError(
      absl::StrCat("unknown hyperparameter given to ", optimizer.name,
                   ", which takes: ", absl::StrJoin(optimizer.hyperparameters, ", ", name)));
}

absl::Status CheckWeightDecay(double weight_decay, DType dtype) {
  static constexpr HyperparameterDef kDef{"weight_decay", 0, kUpToAMillion};
  return Check("the push", kDef, weight_decay, dtype);
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
