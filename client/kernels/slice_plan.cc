#include "client/kernels/slice_plan.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace varscope::internal {
namespace {

class Planner {
 public:
  Planner(const Attrs& attrs, const Shape& x, const SliceNumbers& numbers)
      : attrs_(attrs), x_(x), numbers_(numbers), count_(attrs.integer("items")) {}

  absl::StatusOr<SlicePlan> Plan() {
    int64_t used = 0;
    bool ellipsis = false;
    for (int64_t i = 0; i < count_; ++i) {
      if (Has("ellipsis_mask", i)) {
        if (ellipsis)
          return absl::InvalidArgumentError("Multiple ellipses in slice spec not allowed");
        ellipsis = true;
      } else if (!Has("new_axis_mask", i)) {
        ++used;
      }
    }
    if (used > x_.rank()) {
      return absl::InvalidArgumentError(absl::StrCat("Index out of range using input dim ",
                                                     used - 1, "; input has only ", x_.rank(),
                                                     " dims"));
    }
    for (int64_t i = 0; i < count_; ++i) {
      if (Has("ellipsis_mask", i)) {
        for (int64_t rest = x_.rank() - used; rest > 0; --rest) TakeAll();
      } else if (Has("new_axis_mask", i)) {
        dims_.push_back(1);
      } else if (absl::Status status = Take(i); !status.ok()) {
        return status;
      }
    }
    while (static_cast<int>(plan_.ranges.size()) < x_.rank()) TakeAll();
    plan_.shape = Shape(dims_);
    return std::move(plan_);
  }

 private:
  bool Has(const char* mask, int64_t item) const { return (attrs_.integer(mask) >> item & 1) != 0; }
  std::optional<int64_t> Number(int list, int64_t item) const {
    return numbers_[list] == nullptr ? std::nullopt : (*numbers_[list])[item];
  }
  int64_t Dim() const { return x_.dim(static_cast<int>(plan_.ranges.size())); }

  void TakeAll() {
    const int64_t n = Dim();
    dims_.push_back(n);
    plan_.ranges.push_back({0, 1, n});
  }

  absl::Status Take(int64_t item) {
    const int64_t n = Dim();
    if (Has("shrink_axis_mask", item)) return TakeOne(Number(0, item), n);
    const std::optional<int64_t> step = Number(2, item);
    if (step == 0)
      return absl::InvalidArgumentError(absl::StrCat("strides[", item, "] must be non-zero"));
    const bool known = step && n >= 0 && (Has("begin_mask", item) || Number(0, item)) &&
                       (Has("end_mask", item) || Number(1, item));
    StridedRange range{0, 1, -1};
    if (known) {
      range.first = Bound(item, 0, *step, n);
      range.count = CountOf(Bound(item, 1, *step, n) - range.first, *step);
      // Without a next element it may be any number, also one too large to multiply.
      if (range.count > 1) range.step = *step;
    }
    dims_.push_back(range.count);
    plan_.ranges.push_back(range);
    return absl::OkStatus();
  }

  absl::Status TakeOne(std::optional<int64_t> index, int64_t n) {
    int64_t at = 0;
    if (index && n >= 0) {
      at = *index < 0 ? *index + n : *index;
      if (at < 0 || at >= n) {
        return absl::InvalidArgumentError(absl::StrCat("slice index ", *index, " of dimension ",
                                                       plan_.ranges.size(), " out of bounds."));
      }
    }
    plan_.ranges.push_back({at, 1, 1});
    return absl::OkStatus();
  }

  // Where an item begins (0) or ends (1).
  int64_t Bound(int64_t item, int which, int64_t step, int64_t n) const {
    const int64_t low = step > 0 ? 0 : -1;
    const int64_t high = step > 0 ? n : n - 1;
    if (Has(which == 0 ? "begin_mask" : "end_mask", item)) {
      return (which == 0) == (step > 0) ? low : high;
    }
    const int64_t given = *Number(which, item);
    return std::clamp(given < 0 ? given + n : given, low, high);
  }

  static int64_t CountOf(int64_t interval, int64_t step) {
    if (interval == 0 || (interval < 0) != (step < 0)) return 0;
    return interval / step + (interval % step != 0 ? 1 : 0);
  }

  const Attrs& attrs_;
  const Shape& x_;
  const SliceNumbers& numbers_;
  const int64_t count_;
  std::vector<int64_t> dims_;
  SlicePlan plan_;
};

}  // namespace

absl::StatusOr<SlicePlan> PlanSlice(const Attrs& attrs, const Shape& x,
                                    const SliceNumbers& numbers) {
  for (const Numbers* const list : numbers) {
    if (list == nullptr || static_cast<int64_t>(list->size()) == attrs.integer("items")) continue;
    return absl::InvalidArgumentError(absl::StrCat("begin, end and strides have ", list->size(),
                                                   " entries, expected ", attrs.integer("items")));
  }
  if (!x.known_rank()) return SlicePlan{.ranges = {}, .shape = Shape::Unknown()};
  return Planner(attrs, x, numbers).Plan();
}

}  // namespace varscope::internal
