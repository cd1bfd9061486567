#include "server/sync/aggregate.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/memory/memory_account.h"
#include "server/limited_log.h"
#include "server/membership/some_names.h"
#include "server/sync/gradient_stack.h"

namespace varscope::server {
namespace {

// Steps of optimizers that are one: the same state, with as many slots, at the same turn of the
// push.
using StepKey =
    std::tuple<std::string, std::string, uint32_t, std::string, SlotNames, size_t, size_t>;

StepKey KeyOf(const PushStep& step, size_t turn) {
  return {step.spec.optimizer,
          step.spec.name,
          step.spec.instance,
          step.spec.group,
          step.spec.non_slots,
          step.optimizer->slots(step.hyperparameters).size(),
          turn};
}

// What is summed up, or created once: the same variable with the same slots. Of a PushUpdate or a
// SlotCreation.
template <typename T>
std::string KeyOf(const T& of) {
  return absl::StrCat(of.variable->def.name, "\n", absl::StrJoin(*of.slot_names, "\n"));
}

// One step of an optimizer, as the pushes have it: by their order, null where one has not.
struct Step {
  struct Gradients {
    std::string key;
    std::vector<const PushUpdate*> of_push;
  };
  std::vector<const PushStep*> of_push;
  std::vector<Gradients> gradients;  // in the order in which they come
};

template <typename T>
size_t CountOf(const std::vector<const T*>& of_push) {
  return of_push.size() - std::count(of_push.begin(), of_push.end(), nullptr);
}

// In the order in which they come.
class Collector {
 public:
  explicit Collector(const std::vector<PushContents>& pushes) : pushes_(pushes.size()) {
    for (size_t p = 0; p < pushes.size(); ++p) {
      std::map<StepKey, size_t> turns;  // of this push
      for (const PushStep& given : pushes[p].steps) {
        const size_t turn = turns[KeyOf(given, 0)]++;
        Add(p, given, KeyOf(given, turn));
      }
    }
  }
  std::vector<Step> Take() && { return std::move(steps_); }

 private:
  void Add(size_t push, const PushStep& given, StepKey key) {
    const auto [it, fresh] = at_.try_emplace(std::move(key), steps_.size());
    if (fresh) {
      steps_.push_back({std::vector<const PushStep*>(pushes_), {}});
      gradients_.emplace_back();
    }
    Step& step = steps_[it->second];
    std::map<std::string, size_t>& places = gradients_[it->second];
    step.of_push[push] = &given;
    for (const PushUpdate& update : given.updates) {
      const auto [place, first] = places.try_emplace(KeyOf(update), step.gradients.size());
      if (first) {
        step.gradients.push_back({place->first, std::vector<const PushUpdate*>(pushes_)});
      }
      step.gradients[place->second].of_push[push] = &update;
    }
  }

  const size_t pushes_;
  std::vector<Step> steps_;
  std::map<StepKey, size_t> at_;
  std::vector<std::map<std::string, size_t>> gradients_;  // of each step, by key
};

// The slots without an update that more than `ignored` pushes create.
std::vector<SlotCreation> SlotCreations(const Step& step, size_t ignored) {
  std::map<std::string, std::vector<const SlotCreation*>> by_key;
  for (const PushStep* own : step.of_push) {
    if (own == nullptr) continue;
    for (const SlotCreation& creation : own->slot_creations) {
      by_key[KeyOf(creation)].push_back(&creation);
    }
  }
  std::vector<SlotCreation> creations;
  for (const auto& [key, same] : by_key) {
    if (same.size() > ignored) creations.push_back(*same.front());
  }
  return creations;
}

// Of an even number the lower one, so that it is one of them.
double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The step without its gradients.
PushStep Agreed(const Step& step) {
  const PushStep& first = **std::find_if(step.of_push.begin(), step.of_push.end(),
                                         [](const PushStep* own) { return own != nullptr; });
  PushStep agreed;
  agreed.optimizer = first.optimizer;
  agreed.spec = first.spec;
  agreed.creator = first.creator;
  const auto median = [&](const auto& of) {
    std::vector<double> values;
    for (const PushStep* own : step.of_push) {
      if (own != nullptr) values.push_back(of(*own));
    }
    return Median(std::move(values));
  };
  agreed.weight_decay = median([](const PushStep& own) { return own.weight_decay; });
  for (size_t i = 0; i < first.hyperparameters.size(); ++i) {
    agreed.hyperparameters.push_back(
        median([i](const PushStep& own) { return own.hyperparameters[i]; }));
  }
  return agreed;
}

// What must not be decided by `byzantine` of n pushes.
class Vote {
 public:
  Vote(const std::vector<PushContents>& pushes, Aggregation aggregation, size_t byzantine)
      : pushes_(pushes),
        robust_(IsRobust(aggregation)),
        ignored_(!robust_                              ? 0
                 : aggregation == Aggregation::kMedian ? (pushes.size() - 1) / 2
                                                       : byzantine) {}

  // So many may be anything.
  size_t ignored() const { return ignored_; }

  // The steps and gradients that enough pushes have.
  std::vector<Step> Keep(std::vector<Step> steps) const {
    if (!robust_) return steps;
    const size_t least = std::min(2 * ignored_ + 1, pushes_.size() - ignored_);
    std::vector<Step> kept;
    for (Step& step : steps) {
      if (CountOf(step.of_push) < least) {
        Tell(step.of_push, "steps of optimizers that too few others have");
        continue;
      }
      std::erase_if(step.gradients, [&](const Step::Gradients& gradients) {
        const bool few = CountOf(gradients.of_push) <= ignored_;
        if (few) Tell(gradients.of_push, "gradients that too few others have");
        return few;
      });
      const bool is_empty = step.gradients.empty() && SlotCreations(step, ignored_).empty();
      if (!is_empty) kept.push_back(std::move(step));
    }
    return kept;
  }

  void TellOthers(const Step& step, const PushStep& agreed) const {
    if (!robust_) return;
    std::vector<const PushStep*> others = step.of_push;
    for (const PushStep*& own : others) {
      const bool same = own == nullptr || (own->hyperparameters == agreed.hyperparameters &&
                                           own->weight_decay == agreed.weight_decay);
      if (same) own = nullptr;
    }
    Tell(others, "hyperparameters that are not the others'; their median is used");
  }

  absl::Status NothingInCommon() const {
    SomeNames workers;
    for (const PushContents& push : pushes_) {
      workers.Add([&] { return absl::StrCat("'", push.id.worker_id, "'"); });
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "the workers ", workers.Join(", "), " push no gradient that more than ", ignored_,
        " of them have, with the same optimizer and slots; nothing was applied"));
  }

 private:
  template <typename T>
  void Tell(const std::vector<const T*>& of_push, absl::string_view what) const {
    static constinit LimitedLog log;
    SomeNames workers;
    for (size_t p = 0; p < of_push.size(); ++p) {
      if (of_push[p] == nullptr) continue;
      workers.Add([&] { return absl::StrCat("'", pushes_[p].id.worker_id, "'"); });
    }
    if (workers.size() == 0) return;
    log.Warn("worker ", workers.Join(", "), " pushes ", what);
  }

  const std::vector<PushContents>& pushes_;
  const bool robust_;
  const size_t ignored_;
};

// Which push Krum takes: of those that have something of `steps`, which is enough for one to be
// honest, the one with the smallest sum of distances to its n - f - 2 closest. Another may be the
// closest to all, and would make a step of nothing.
absl::StatusOr<size_t> Krum(const std::vector<Step>& steps, size_t pushes, size_t byzantine) {
  const absl::StatusOr<MemoryAccount::Hold> of_pairs =
      MemoryAccount::Process().Reserve(uint64_t{pushes} * pushes * sizeof(long double));
  if (!of_pairs.ok()) return of_pairs.status();
  Distances distances(pushes);
  for (const Step& step : steps) {
    for (const Step::Gradients& gradients : step.gradients) {
      const GradientStack stack(gradients.of_push);
      const absl::StatusOr<MemoryAccount::Hold> held =
          MemoryAccount::Process().Reserve(stack.working_bytes());
      if (!held.ok()) return held.status();
      stack.AddDistances(distances);
    }
  }
  const auto closest = static_cast<std::ptrdiff_t>(pushes - byzantine - 2);
  const auto has_something = [&](size_t push) {
    return std::any_of(steps.begin(), steps.end(), [&](const Step& step) {
      return std::any_of(step.gradients.begin(), step.gradients.end(),
                         [&](const Step::Gradients& g) { return g.of_push[push] != nullptr; });
    });
  };
  std::optional<size_t> best;
  long double least = 0;
  for (size_t i = 0; i < pushes; ++i) {
    if (!has_something(i)) continue;
    std::vector<long double> others = distances.Of(i);
    std::sort(others.begin(), others.end());
    long double score = 0;
    std::for_each(others.begin(), others.begin() + closest, [&](long double d) { score += d; });
    if (best && score >= least) continue;
    best = i;
    least = score;
  }
  return best.value_or(0);
}

// As one of a merged push.
PushUpdate Alone(PushUpdate update) {
  update.base_version.reset();
  return update;
}

// Nothing: the push that Krum takes has none.
absl::StatusOr<std::optional<PushUpdate>> Combine(const std::vector<const PushUpdate*>& of_push,
                                                  Aggregation aggregation, size_t ignored,
                                                  size_t krum) {
  if (aggregation == Aggregation::kKrum) {
    if (of_push[krum] == nullptr) return std::nullopt;
    return Alone(*of_push[krum]);
  }
  const GradientStack stack(of_push);
  if (aggregation == Aggregation::kMean && stack.count() == 1) {
    return Alone(**std::find_if(of_push.begin(), of_push.end(),
                                [](const PushUpdate* own) { return own != nullptr; }));
  }
  const absl::StatusOr<MemoryAccount::Hold> held =
      MemoryAccount::Process().Reserve(stack.working_bytes());
  if (!held.ok()) return held.status();
  absl::StatusOr<PushUpdate> combined =
      aggregation == Aggregation::kMean ? stack.Mean() : stack.TrimmedMean(ignored, ignored);
  if (!combined.ok()) return combined.status();
  return *std::move(combined);
}

}  // namespace

absl::StatusOr<ValidPush> Aggregate(std::vector<ValidPush> pushes, std::string group,
                                    Aggregation aggregation, uint32_t byzantine) {
  if (const uint64_t least = LeastPushes(aggregation, byzantine); pushes.size() < least) {
    return absl::UnavailableError(absl::StrCat("group ", group, ": ", pushes.size(), " of the ",
                                               least, " pushes that its mean needs are left; ",
                                               "nothing was applied, send it again"));
  }
  std::vector<PushContents> given;
  given.reserve(pushes.size());
  for (ValidPush& push : pushes) given.push_back(std::move(push).Take());
  PushContents merged{.id = given.front().id, .group = std::move(group)};
  for (size_t i = 1; i < given.size(); ++i) merged.others.push_back(given[i].id);
  const Vote vote(given, aggregation, byzantine);
  const std::vector<Step> steps = vote.Keep(Collector(given).Take());
  if (steps.empty()) return vote.NothingInCommon();
  absl::StatusOr<size_t> krum = 0;
  if (aggregation == Aggregation::kKrum) krum = Krum(steps, given.size(), vote.ignored());
  if (!krum.ok()) return krum.status();
  for (const Step& step : steps) {
    PushStep& out = merged.steps.emplace_back(Agreed(step));
    vote.TellOthers(step, out);
    out.slot_creations = SlotCreations(step, vote.ignored());
    for (const Step::Gradients& gradients : step.gradients) {
      absl::StatusOr<std::optional<PushUpdate>> combined =
          Combine(gradients.of_push, aggregation, vote.ignored(), *krum);
      if (!combined.ok()) return combined.status();
      if (*combined) out.updates.push_back(**std::move(combined));
    }
  }
  for (PushContents& push : given) {
    if (!IsRobust(aggregation)) merged.allow_nonfinite |= push.allow_nonfinite;
    for (PushAssignment& a : push.assignments) merged.assignments.push_back(std::move(a));
    for (auto& owner : push.owners) merged.owners.push_back(std::move(owner));
  }
  return ValidPush::Merged(std::move(merged));
}

}  // namespace varscope::server
