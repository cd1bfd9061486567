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

// As many as may be connected at a time (membership/workers.h).
constexpr uint32_t kMostWorkers = 100000;
constexpr uint32_t kMostSteps = 1000000000;
// Of updates. No program gets beyond it, and the numbers above mean something else (push/lock.h).
constexpr uint64_t kMostUpdates = uint64_t{1} << 62;

// One key: reads the text of its value, false when it is none; and which values there are.
struct Key {
  std::function<bool(const std::string&, GroupOptions&)> read;
  std::string allowed;
};

template <typename Member>
Key Whole(Member GroupOptions::*member, uint64_t least, uint64_t most) {
  return {[=](const std::string& text, GroupOptions& o) {
            uint64_t value = 0;
            if (!absl::SimpleAtoi(text, &value) || value < least || value > most) return false;
            o.*member = static_cast<Member>(value);
            return true;
          },
          absl::StrCat("a number from ", least, " to ", most)};
}

// Not negative. What is more than 0 must not become 0 when it is read, nor when it is multiplied:
// 0 means something else.
Key Real(double GroupOptions::*member) {
  constexpr double kLeast = 1e-30;
  return {[=](const std::string& text, GroupOptions& o) {
            double& value = o.*member;
            if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return false;
            const std::string digits = text.substr(0, text.find_first_of("eE"));
            if (digits.find_first_of("123456789") == std::string::npos) return value == 0;
            return value >= kLeast;
          },
          absl::StrCat("0, or a number from ", kLeast, " on")};
}

// "30s" or "500ms".
bool ReadDeadline(const std::string& text, GroupOptions& o) {
  absl::string_view number = text;
  const int64_t unit = absl::ConsumeSuffix(&number, "ms")  ? 1
                       : absl::ConsumeSuffix(&number, "s") ? 1000
                                                           : 0;
  constexpr int64_t kDay = 86400000;
  int64_t count = 0;
  if (unit == 0 || !absl::SimpleAtoi(number, &count)) return false;
  if (count < 1 || count > kDay / unit) return false;
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
  return counts && absl::SimpleAtoi(parts[1], &o.byzantine) && o.byzantine > 0 &&
         o.byzantine <= kMostWorkers;
}

bool ReadStale(const std::string& text, GroupOptions& o) {
  o.scale_stale = text == "scale";
  return o.scale_stale || text == "keep";
}

bool ReadNonfinite(const std::string& text, GroupOptions& o) {
  o.nonfinite = text == "skip" ? NonfinitePolicy::kSkip : NonfinitePolicy::kRefuse;
  return text == "skip" || text == "refuse";
}

const std::map<std::string, Key>& Keys(SyncMode mode) {
  using O = GroupOptions;
  static const std::map<std::string, Key> kPolicy = {
      {"nonfinite", {ReadNonfinite, "refuse or skip"}},
      {"clip_norm", Real(&O::clip_norm)},
      {"quarantine", Whole(&O::quarantine_after, 1, kMostSteps)}};
  static const auto with = [](std::map<std::string, Key> keys) {
    keys.insert(kPolicy.begin(), kPolicy.end());
    return keys;
  };
  static const Key kDeadline = {ReadDeadline, "a time such as 30s or 500ms, of at most a day"};
  static const std::map<std::string, Key> kRound = {
      {"workers", Whole(&O::workers, 1, kMostWorkers)},
      {"backup", Whole(&O::backup, 0, kMostWorkers)},
      {"quorum", Whole(&O::quorum, 1, kMostWorkers)},
      {"deadline", kDeadline},
      {"aggregate", {ReadAggregation, "mean, median, trimmed_mean/F or krum/F"}}};
  static const auto async = with({{"max_staleness", Whole(&O::max_staleness, 0, kMostUpdates)},
                                  {"stale", {ReadStale, "scale or keep"}}});
  static const auto bsp = with(kRound);
  static const auto ssp =
      with({{"bound", Whole(&O::bound, 0, kMostSteps)}, {"deadline", kDeadline}});
  static const auto local = [] {
    auto keys = with(kRound);
    keys["steps"] = Whole(&O::local_steps, 1, kMostSteps);
    keys["fragments"] = Whole(&O::fragments, 1, kMostSteps);
    keys["outer_learning_rate"] = Real(&O::outer_learning_rate);
    keys["outer_momentum"] = Real(&O::outer_momentum);
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

// A scope's name, also as it begins the names in it, model/.
absl::StatusOr<std::string> ReadPrefix(absl::string_view text) {
  absl::string_view prefix = text;
  while (absl::ConsumeSuffix(&prefix, "/")) {
  }
  if (prefix.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text, "' is the prefix of no variable; without one, and without '=', the ",
        "mode is for all variables that no other prefix has"));
  }
  if (absl::Status status = ValidateVariableName(prefix); !status.ok()) return status;
  return std::string(prefix);
}

absl::Status ReadSetting(const std::string& setting, GroupOptions& options) {
  const std::vector<std::string> pair = absl::StrSplit(setting, absl::MaxSplits('=', 1));
  const std::map<std::string, Key>& keys = Keys(options.mode);
  const auto it = keys.find(pair[0]);
  if (it == keys.end()) {
    std::vector<std::string> known;
    known.reserve(keys.size());
    for (const auto& [name, key] : keys) known.push_back(name);
    return absl::InvalidArgumentError(
        absl::StrCat("'", pair[0], "' is none of ", absl::StrJoin(known, ", ")));
  }
  const Key& key = it->second;
  if (pair.size() == 2 && key.read(pair[1], options)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", setting, "' makes no sense: ", pair[0], " takes ", key.allowed));
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
  if (least + o.backup > kMostWorkers) {
    return absl::InvalidArgumentError(absl::StrCat("a step would need ", least + o.backup,
                                                   " workers, with backup; there are at most ",
                                                   kMostWorkers));
  }
  if (!given.contains("workers")) {
    o.workers = static_cast<uint32_t>(std::max<uint64_t>(o.workers, least + o.backup));
  }
  if (o.workers < least + o.backup) return refuse("workers without backup");
  o.quorum = std::max(o.quorum, static_cast<uint32_t>(least));
  o.closed = given.contains("workers");
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
  if (given.contains("workers") &&
      std::max(uint64_t{o.backup} + 1, uint64_t{o.quorum}) > o.workers) {
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
    const absl::StatusOr<std::string> prefix = ReadPrefix(text.substr(0, equals));
    if (!prefix.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", Printable(text), "': ", prefix.status().message()));
    }
    options.prefix = *prefix;
    spec = text.substr(equals + 1);
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
