#include "client/session/pull.h"

#include <functional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/kernels.h"
#include "client/session/op_error.h"
#include "proto/tensor/rows.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

void CheckPulled(const VariableState& variable, const Shape& shape, const Tensor& value) {
  if (value.dtype() == variable.dtype && value.shape().IsCompatibleWith(shape)) return;
  throw InternalError(absl::StrCat("variable ", variable.name, " came as ", Name(value.dtype()),
                                   " ", value.shape().ToString(), ", expected ",
                                   Name(variable.dtype), " ", shape.ToString()));
}

std::vector<int64_t> RowsOf(const Plan::Lookup& lookup, const Shape& variable,
                            const std::vector<Tensor>& slots) {
  absl::StatusOr<std::vector<int64_t>> rows =
      kernels::RowsBelow(slots[lookup.rows], variable.dim(0));
  if (!rows.ok()) ThrowAt(*lookup.node, rows.status());
  return *std::move(rows);
}

// One variable's lookups together.
class IndicesToPull {
 public:
  IndicesToPull(const Plan::RowsPull& pull, const std::vector<Tensor>& slots) : pull_(pull) {
    std::vector<int64_t> all;
    for (const Plan::Lookup& lookup : pull.lookups) {
      const std::vector<int64_t> rows = RowsOf(lookup, pull.variable->shape, slots);
      all.insert(all.end(), rows.begin(), rows.end());
    }
    index_ = IndexRows(all);
  }

  const VariableState& variable() const { return *pull_.variable; }
  // More than half of it is as well sent whole, which may not have changed.
  bool few() const {
    return static_cast<int64_t>(index_.distinct.size()) * 2 <= variable().shape.dim(0);
  }
  Tensor numbers() const {
    return Tensor::Of<int64_t>(Shape{static_cast<int64_t>(index_.distinct.size())},
                               index_.distinct);
  }
  // Of the value that comes for `numbers`.
  Shape shape() const {
    return *RowsShape(variable().shape, static_cast<int64_t>(index_.distinct.size()));
  }

  // Gives each lookup its rows, from those that `numbers` named, or from the whole variable.
  void Distribute(const Tensor& value, bool whole, std::vector<Tensor>& slots) const {
    size_t next = 0;
    for (const Plan::Lookup& lookup : pull_.lookups) {
      const Tensor& numbers = slots[lookup.rows];
      std::vector<int64_t> rows;
      for (int64_t i = 0; i < numbers.num_elements(); ++i, ++next) {
        rows.push_back(whole ? index_.distinct[index_.of[next]] : index_.of[next]);
      }
      std::vector<int64_t> dims = numbers.shape().dims();
      const Dims& row = value.shape().dims();
      dims.insert(dims.end(), row.begin() + 1, row.end());
      Tensor out(value.dtype(), Shape(std::move(dims)));
      CopyRows(value, rows, out);
      slots[lookup.output] = std::move(out);
    }
  }

 private:
  const Plan::RowsPull& pull_;
  RowIndex index_;
};

class Puller {
 public:
  Puller(LocalTraining& local, StoredSlots& stored, std::vector<Tensor>& slots)
      : local_(local), stored_(stored), slots_(slots) {}

  void Add(const Plan::Pull& pull) {
    if (std::optional<Tensor> own = local_.Read(pull.variable->name)) {
      slots_[pull.slot] = *std::move(own);
      return;
    }
    Ask(*pull.variable, Tensor(), [this, &pull](const Tensor& value) {
      CheckPulled(*pull.variable, pull.variable->shape, value);
      slots_[pull.slot] = value;
    });
  }

  void Add(const IndicesToPull& wanted) {
    const VariableState& variable = wanted.variable();
    if (const std::optional<Tensor> own = local_.Read(variable.name)) {
      return wanted.Distribute(*own, /*whole=*/true, slots_);
    }
    const bool whole = !wanted.few() || local_.IsLocal(variable.name);
    some_rows_ = some_rows_ || !whole;
    Ask(variable, whole ? Tensor() : wanted.numbers(), [this, &wanted, whole](const Tensor& value) {
      CheckPulled(wanted.variable(), whole ? wanted.variable().shape : wanted.shape(), value);
      wanted.Distribute(value, whole, slots_);
    });
  }

  void Run(RemoteStore& store, PulledValues& pulled) {
    if (names_.empty()) return;
    PullResult values = some_rows_ ? store.PullRows(names_, rows_) : store.Pull(names_);
    for (size_t i = 0; i < names_.size(); ++i) {
      PulledValue value = values.Take(i);
      take_[i](value.value);
      // Held on to only where it is needed again: else a kernel may write into it.
      if (!local_.IsLocal(names_[i])) value.value = Tensor();
      pulled.insert_or_assign(names_[i], std::move(value));
    }
  }

 private:
  using Take = std::function<void(const Tensor& value)>;
  void Ask(const VariableState& variable, Tensor rows, Take take) {
    names_.push_back(stored_.NameOf(variable));
    rows_.push_back(std::move(rows));
    take_.push_back(std::move(take));
  }

  LocalTraining& local_;
  StoredSlots& stored_;
  std::vector<Tensor>& slots_;
  std::vector<std::string> names_;
  std::vector<Tensor> rows_;
  std::vector<Take> take_;
  bool some_rows_ = false;
};

}  // namespace

void PullAll(const Plan::Stage& stage, RemoteStore& store, LocalTraining& local,
             StoredSlots& stored, std::vector<Tensor>& slots, PulledValues& pulled) {
  std::vector<IndicesToPull> wanted;
  wanted.reserve(stage.rows_pulls.size());
  for (const Plan::RowsPull& pull : stage.rows_pulls) wanted.emplace_back(pull, slots);
  Puller puller(local, stored, slots);
  for (const Plan::Pull& pull : stage.pulls) puller.Add(pull);
  for (const IndicesToPull& rows : wanted) puller.Add(rows);
  puller.Run(store, pulled);
}

std::vector<std::string> NamesToPullWithPush(const Plan::Stage& stage, const LocalTraining& local,
                                             StoredSlots& stored) {
  std::vector<std::string> names;
  if (!stage.rows_pulls.empty()) return names;
  for (const Plan::Pull& pull : stage.pulls) {
    // The push may be what makes a slot.
    if (local.IsLocal(pull.variable->name) || !stored.Has(*pull.variable)) return {};
    names.push_back(stored.NameOf(*pull.variable));
  }
  return names;
}

void TakeAll(const Plan::Stage& stage, PullResult values, StoredSlots& stored,
             std::vector<Tensor>& slots, PulledValues& pulled) {
  for (size_t i = 0; i < stage.pulls.size(); ++i) {
    const Plan::Pull& pull = stage.pulls[i];
    PulledValue value = values.Take(i);
    CheckPulled(*pull.variable, pull.variable->shape, value.value);
    slots[pull.slot] = std::move(value.value);
    pulled[stored.NameOf(*pull.variable)] = {Tensor(), value.version};
  }
}

}  // namespace varscope::internal
