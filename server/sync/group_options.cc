#include "server/sync/group_options.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "proto/naming/names.h"
#include "proto/optimizers/optimizer.h"
#include "server/sync/outer.h"

namespace varscope::server {
namespace {

// Reads the text of one key's value; false when it is none.
using Read = std::function<bool(const std::string&, GroupOptions&)>;

template <typename T>
Read Number(T GroupOptions::*member, T least) {
  return [=](const std::string& text, GroupOptions& o) {
    T value{};
    bool ok = false;
    if constexpr (std::is_floating_point_v<T>) {
      ok = absl::SimpleAtod(text, &value) && std::isfinite(value);
    } else {
      ok = absl::SimpleAtoi(text, &value);
    }
    o.*member = value;
    return ok && value >= least;
  };
}

// "30s" or "500ms".
bool ReadDeadline(const std::string& text, GroupOptions& o) {
  absl::string_view number = text;
  const int64_t unit = absl::ConsumeSuffix(&number, "ms")  ? 1
                       : absl::ConsumeSuffix(&number, "s") ? 1000
                                                           : 0;
  int64_t count = 0;
  if (unit == 0 || !absl::SimpleAtoi(number, &count) || count < 1 || count > 86400000) return false;
  o.deadline = std::chrono::milliseconds(count * unit);
  return true;
}

// "mean", "median", "trimmed_mean/1", "krum/1".
bool ReadAggregation(const std::string& text, GroupOptions& o) {
  static const std::map<std::string, Aggregation> kNames = {
      {"mean", Aggregation::kMean},
      {"median", Aggregation::kMedian},
      {"trimmed_mean", Aggregation::kTrimmedMean},
      {"krum", Aggregation::kKrum}};
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  const auto it = kNames.find(parts[0]);
  if (it == kNames.end() || parts.size() > 2) return false;
  o.aggregation = it->second;
  const bool counts =
      o.aggregation == Aggregation::kTrimmedMean || o.aggregation == Aggregation::kKrum;
  if (parts.size() == 1) return !counts;
  constexpr uint32_t kMost = 1000000;
  return counts && absl::SimpleAtoi(parts[1], &o.byzantine) && o.byzantine > 0 &&
         o.byzantine <= kMost;
}

bool ReadStale(const std::string& text, GroupOptions& o) {
  o.scale_stale = text == "scale";
  return o.scale_stale || text == "keep";
}

bool ReadNonfinite(const std::string& text, GroupOptions& o) {
  o.nonfinite = text == "skip" ? NonfinitePolicy::kSkip : NonfinitePolicy::kRefuse;
  return text == "skip" || text == "refuse";
}

bool ReadMaxStaleness(const std::string& text, GroupOptions& o) {
  uint64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return false;
  o.max_staleness = value;
  return true;
}

const std::map<std::string, Read>& Keys(SyncMode mode) {
  using O = GroupOptions;
  static const std::map<std::string, Read> kPolicy = {
      {"nonfinite", ReadNonfinite},
      {"clip_norm", Number(&O::clip_norm, 0.0)},
      {"quarantine", Number(&O::quarantine_after, 1U)}};
  static const auto with = [](std::map<std::string, Read> keys) {
    keys.insert(kPolicy.begin(), kPolicy.end());
    return keys;
  };
  static const std::map<std::string, Read> kRound = {{"workers", Number(&O::workers, 1U)},
                                                     {"backup", Number(&O::backup, 0U)},
                                                     {"quorum", Number(&O::quorum, 1U)},
                                                     {"deadline", ReadDeadline},
                                                     {"aggregate", ReadAggregation}};
  static const auto async = with({{"max_staleness", ReadMaxStaleness}, {"stale", ReadStale}});
  static const auto bsp = with(kRound);
  static const auto ssp = with({{"bound", Number(&O::bound, 0U)}, {"deadline", ReadDeadline}});
  static const auto local = [] {
    auto keys = with(kRound);
    keys["steps"] = Number(&O::local_steps, 1U);
    keys["fragments"] = Number(&O::fragments, 1U);
    keys["outer_learning_rate"] = Number(&O::outer_learning_rate, 0.0);
    keys["outer_momentum"] = Number(&O::outer_momentum, 0.0);
    return keys;
  }();
  switch (mode) {
    case SyncMode::kAsync:
      return async;
    case SyncMode::kBsp:
      return bsp;
    case SyncMode::kSsp:
      return ssp;
    case SyncMode::kLocal:
      return local;
  }
  return async;
}

absl::Status ReadSetting(const std::string& setting, GroupOptions& options) {
  const std::vector<std::string> pair = absl::StrSplit(setting, absl::MaxSplits('=', 1));
  const std::map<std::string, Read>& keys = Keys(options.mode);
  const auto it = keys.find(pair[0]);
  if (it == keys.end()) {
    std::vector<std::string> known;
    for (const auto& [key, read] : keys) known.push_back(key);
    return absl::InvalidArgumentError(
        absl::StrCat("'", pair[0], "' is none of ", absl::StrJoin(known, ", ")));
  }
  if (pair.size() == 2 && it->second(pair[1], options)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", setting, "' makes no sense"));
}

// So that no step of a robust aggregation has fewer pushes than it needs. `given`: the keys that
// are there.
absl::Status SetLeastPushes(GroupOptions& o, const std::set<std::string>& given) {
  if (!IsRobust(o.aggregation)) return absl::OkStatus();
  const bool quorum = given.contains("quorum");
  if (o.aggregation == Aggregation::kMedian) {
    const uint32_t pushes = quorum ? o.quorum : o.workers - std::min(o.workers, o.backup);
    o.byzantine = std::max(1U, (std::max(1U, pushes) - 1) / 2);
  }
  const uint64_t least = LeastPushes(o.aggregation, o.byzantine);
  const auto refuse = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(what, " must be at least ", least, ", so that ",
                                                   o.byzantine,
                                                   " of a step's pushes decide nothing"));
  };
  if (quorum && o.quorum < least) return refuse("quorum");
  if (!given.contains("workers")) {
    o.workers = static_cast<uint32_t>(std::max<uint64_t>(o.workers, least + o.backup));
  }
  if (o.workers < least + o.backup) return refuse("workers without backup");
  o.quorum = std::max(o.quorum, static_cast<uint32_t>(least));
  if (given.contains("workers")) o.most_members = o.workers;
  return absl::OkStatus();
}

// A local group's.
absl::Status CheckOuter(const GroupOptions& o) {
  if (o.mode != SyncMode::kLocal) return absl::OkStatus();
  const OuterOptimizer outer = OuterOptimizerOf(o);
  const optimizers::Optimizer& rule = *optimizers::FindOptimizer(outer.optimizer);
  absl::Status status;
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    status.Update(optimizers::ReadHyperparameters(rule, outer.hyperparameters, dtype).status());
  }
  return status;
}

// `given`: the keys that are there.
absl::Status CheckTogether(const GroupOptions& o, const std::set<std::string>& given) {
  if (given.contains("workers") && std::max(o.backup + 1, o.quorum) > o.workers) {
    return absl::InvalidArgumentError(absl::StrCat(
        "backup must be less than workers, quorum at most workers, which is ", o.workers));
  }
  if (o.local_steps % o.fragments != 0) {
    return absl::InvalidArgumentError("steps must be a multiple of fragments");
  }
  return CheckOuter(o);
}

}  // namespace

absl::StatusOr<GroupOptions> ParseGroup(const std::string& text) {
  static const std::map<std::string, SyncMode> kModes = {{"async", SyncMode::kAsync},
                                                         {"bsp", SyncMode::kBsp},
                                                         {"ssp", SyncMode::kSsp},
                                                         {"local", SyncMode::kLocal}};
  GroupOptions options;
  // The prefix ends at the first '='; settings with theirs come after the first ':'.
  std::string spec = text;
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals < text.find(':')) {
    options.prefix = text.substr(0, equals);
    spec = text.substr(equals + 1);
    if (absl::Status status = ValidateVariableName(options.prefix); !status.ok()) return status;
  }
  options.spec = spec;
  const std::vector<std::string> parts = absl::StrSplit(spec, absl::MaxSplits(':', 1));
  const auto mode = kModes.find(parts[0]);
  if (mode == kModes.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "': '", parts[0], "' is none of async, bsp, ssp, local"));
  }
  options.mode = mode->second;
  std::set<std::string> given;
  if (parts.size() == 2) {
    const std::vector<std::string> settings = absl::StrSplit(parts[1], ",");
    for (const std::string& setting : settings) {
      const std::string key = setting.substr(0, setting.find('='));
      if (!given.insert(key).second) {
        return absl::InvalidArgumentError(absl::StrCat("'", text, "': ", key, " is there twice"));
      }
      if (absl::Status status = ReadSetting(setting, options); !status.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("'", text, "': ", status.message()));
      }
    }
  }
  absl::Status status = SetLeastPushes(options, given);
  if (status.ok()) status = CheckTogether(options, given);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "': ", status.message()));
  }
  return options;
}

}  // namespace varscope::server
