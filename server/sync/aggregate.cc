#include "server/sync/aggregate.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <tuple>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/tensor/allocate.h"

namespace varscope::server {
namespace {

// The gradients of one variable, all dense, or all for the same rows.
using Gradients = std::vector<Tensor>;

std::vector<int64_t> UnionOfRows(const std::vector<const PushUpdate*>& updates) {
  std::set<int64_t> rows;
  for (const PushUpdate* update : updates) {
    const auto own = update->indices->value.values<int64_t>();
    rows.insert(own.begin(), own.end());
  }
  return {rows.begin(), rows.end()};
}

std::vector<int64_t> AllRows(const Tensor& dense) {
  std::vector<int64_t> rows(dense.shape().dim(0));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

// The same gradient for all of `rows`, zero where it has none.
template <typename T>
absl::StatusOr<Tensor> Spread(const PushUpdate& update, const std::vector<int64_t>& rows) {
  std::vector<int64_t> dims = update.gradient.value.shape().dims();
  dims[0] = static_cast<int64_t>(rows.size());
  absl::StatusOr<Tensor> spread = TryAllocate(update.gradient.value.dtype(), Shape(dims));
  if (!spread.ok()) return spread;
  const std::span<T> to = spread->mutable_values<T>();
  std::fill(to.begin(), to.end(), T{0});
  const auto own = update.indices->value.values<int64_t>();
  const size_t row_size = own.empty() ? 0 : update.gradient.value.num_elements() / own.size();
  for (size_t i = 0; i < own.size(); ++i) {
    const size_t at = std::lower_bound(rows.begin(), rows.end(), own[i]) - rows.begin();
    std::copy_n(update.gradient.value.data<T>() + i * row_size, row_size,
                to.data() + at * row_size);
  }
  return spread;
}

// What sums are made in: of numbers that are finite they are, too, and so is their mean.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

template <typename T>
void Mean(const Gradients& gradients, std::span<T> to) {
  const auto count = static_cast<Wide<T>>(gradients.size());
  std::array<Wide<T>, 1024> sums;
  for (size_t begin = 0; begin < to.size(); begin += sums.size()) {
    const size_t n = std::min(sums.size(), to.size() - begin);
    sums.fill(0);
    for (const Tensor& gradient : gradients) {
      const T* const from = gradient.data<T>() + begin;
      for (size_t i = 0; i < n; ++i) sums[i] += from[i];
    }
    for (size_t i = 0; i < n; ++i) to[begin + i] = static_cast<T>(sums[i] / count);
  }
}

// Of each element's values, sorted, the mean without the first and last `trim`.
template <typename T>
void TrimmedMean(const Gradients& gradients, size_t trim, std::span<T> to) {
  const size_t n = gradients.size();
  std::vector<T> column(n);
  for (size_t i = 0; i < to.size(); ++i) {
    for (size_t g = 0; g < n; ++g) column[g] = gradients[g].data<T>()[i];
    std::sort(column.begin(), column.end());
    Wide<T> sum{0};
    for (size_t g = trim; g < n - trim; ++g) sum += column[g];
    to[i] = static_cast<T>(sum / static_cast<Wide<T>>(n - 2 * trim));
  }
}

template <typename T>
double SquaredDistance(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.num_elements(); ++i) {
    const double d = static_cast<double>(a.data<T>()[i]) - b.data<T>()[i];
    sum += d * d;
  }
  return sum;
}

// One step's gradients: by variable, those of each push that has the step.
struct Step {
  const PushStep* first;
  std::map<std::string, std::vector<const PushUpdate*>> updates;
  std::vector<std::string> order;  // of their keys, as the pushes have them
};

template <typename T>
absl::StatusOr<Gradients> AlignedAs(const std::vector<const PushUpdate*>& updates,
                                    const std::vector<int64_t>& rows) {
  Gradients gradients;
  for (const PushUpdate* update : updates) {
    absl::StatusOr<Tensor> aligned =
        update->indices ? Spread<T>(*update, rows) : update->gradient.value;
    if (!aligned.ok()) return aligned.status();
    gradients.push_back(*std::move(aligned));
  }
  return gradients;
}

// Which of n gradients Krum takes: the one with the smallest sum of distances to its n - f - 2
// closest.
template <typename T>
size_t Krum(const Gradients& gradients, size_t byzantine) {
  const size_t n = gradients.size();
  const size_t closest = std::max<size_t>(1, n > byzantine + 2 ? n - byzantine - 2 : 1);
  size_t best = 0;
  double best_score = -1;
  for (size_t i = 0; i < n; ++i) {
    std::vector<double> distances;
    for (size_t j = 0; j < n; ++j) {
      if (j != i) distances.push_back(SquaredDistance<T>(gradients[i], gradients[j]));
    }
    std::sort(distances.begin(), distances.end());
    double score = 0;
    for (size_t k = 0; k < std::min(closest, distances.size()); ++k) score += distances[k];
    if (best_score >= 0 && score >= best_score) continue;
    best = i;
    best_score = score;
  }
  return best;
}

template <typename T>
absl::StatusOr<Tensor> Combine(const Gradients& gradients, Aggregation aggregation,
                               size_t byzantine) {
  const size_t n = gradients.size();
  if (n == 1) return gradients.front();
  if (aggregation == Aggregation::kKrum) return gradients[Krum<T>(gradients, byzantine)];
  absl::StatusOr<Tensor> result = TryAllocate(gradients.front().dtype(), gradients.front().shape());
  if (!result.ok()) return result;
  const std::span<T> to = result->mutable_values<T>();
  if (aggregation == Aggregation::kMean) {
    Mean<T>(gradients, to);
  } else {
    const size_t most = (n - 1) / 2;
    TrimmedMean<T>(gradients,
                   aggregation == Aggregation::kMedian ? most : std::min(byzantine, most), to);
  }
  return result;
}

template <typename T>
absl::StatusOr<PushUpdate> CombineUpdates(const std::vector<const PushUpdate*>& updates,
                                          Aggregation aggregation, size_t byzantine) {
  PushUpdate combined{.variable = updates.front()->variable,
                      .slot_names = updates.front()->slot_names,
                      .base_version = {},
                      .gradient = {},
                      .indices = {},
                      .slots = {}};
  const auto sparse = [](const PushUpdate* update) { return update->indices.has_value(); };
  const auto dense = std::find_if_not(updates.begin(), updates.end(), sparse);
  std::vector<int64_t> rows;
  if (dense == updates.end()) {
    rows = UnionOfRows(updates);
    absl::StatusOr<Tensor> numbers =
        TryAllocate(DType::kInt64, Shape{static_cast<int64_t>(rows.size())});
    if (!numbers.ok()) return numbers.status();
    std::copy(rows.begin(), rows.end(), numbers->mutable_data<int64_t>());
    combined.indices = PushTensor{0, *std::move(numbers)};
  } else if (std::any_of(updates.begin(), updates.end(), sparse)) {
    rows = AllRows((*dense)->gradient.value);
  }
  const absl::StatusOr<Gradients> aligned = AlignedAs<T>(updates, rows);
  if (!aligned.ok()) return aligned.status();
  absl::StatusOr<Tensor> gradient = Combine<T>(*aligned, aggregation, byzantine);
  if (!gradient.ok()) return gradient.status();
  combined.gradient.value = *std::move(gradient);
  return combined;
}

using StepKey = std::tuple<std::string, std::string, uint32_t, std::string, SlotNames>;

StepKey KeyOf(const PushStep& step) {
  return {step.spec.optimizer, step.spec.name, step.spec.instance, step.spec.group,
          step.spec.non_slots};
}

// What is summed up: the same variable with the same slots.
std::string KeyOf(const PushUpdate& update) {
  return absl::StrCat(update.variable->def.name, "\n", absl::StrJoin(update.slot_names, "\n"));
}

// In the order in which they come. A variable with slots of several names has several updates.
std::vector<Step> Collect(const std::vector<PushContents>& pushes) {
  std::vector<Step> steps;
  std::map<StepKey, size_t> at;
  for (const PushContents& push : pushes) {
    for (const PushStep& given : push.steps) {
      const auto [it, fresh] = at.try_emplace(KeyOf(given), steps.size());
      if (fresh) steps.push_back({&given, {}, {}});
      Step& step = steps[it->second];
      for (const PushUpdate& update : given.updates) {
        const std::string key = KeyOf(update);
        auto& updates = step.updates[key];
        if (updates.empty()) step.order.push_back(key);
        updates.push_back(&update);
      }
    }
  }
  return steps;
}

}  // namespace

absl::StatusOr<ValidPush> Aggregate(std::vector<ValidPush> pushes, std::string group,
                                    Aggregation aggregation, uint32_t byzantine) {
  std::vector<PushContents> given;
  for (ValidPush& push : pushes) given.push_back(std::move(push).Take());
  PushContents merged{.id = given.front().id, .group = std::move(group)};
  for (size_t i = 1; i < given.size(); ++i) merged.others.push_back(given[i].id);
  for (const Step& step : Collect(given)) {
    PushStep& out = merged.steps.emplace_back();
    out.optimizer = step.first->optimizer;
    out.hyperparameters = step.first->hyperparameters;
    out.spec = step.first->spec;
    out.weight_decay = step.first->weight_decay;
    out.creator = step.first->creator;
    for (const std::string& key : step.order) {
      const auto& updates = step.updates.at(key);
      const bool single = updates.front()->gradient.value.dtype() == DType::kFloat32;
      absl::StatusOr<PushUpdate> combined =
          single ? CombineUpdates<float>(updates, aggregation, byzantine)
                 : CombineUpdates<double>(updates, aggregation, byzantine);
      if (!combined.ok()) return combined.status();
      out.updates.push_back(*std::move(combined));
    }
  }
  for (PushContents& push : given) {
    merged.allow_nonfinite = merged.allow_nonfinite || push.allow_nonfinite;
    for (PushAssignment& a : push.assignments) merged.assignments.push_back(std::move(a));
  }
  return ValidPush::Merged(std::move(merged));
}

}  // namespace varscope::server
