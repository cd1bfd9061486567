// What x[begin:end:strides] is, as TensorFlow's StridedSlice means it.
#ifndef VARSCOPE_CLIENT_KERNELS_SLICE_PLAN_H_
#define VARSCOPE_CLIENT_KERNELS_SLICE_PLAN_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "client/graph/attrs.h"
#include "client/kernels/numbers.h"
#include "varscope/shape.h"

namespace varscope::internal {

// Of one dimension: the first element, the step to the next one, and how many; -1 where that is not
// known.
struct StridedRange {
  int64_t first;
  int64_t step;
  int64_t count;
};

struct SlicePlan {
  std::vector<StridedRange> ranges;  // of the dimensions of x
  Shape shape;                       // of the result
};

// begin, end and strides have one entry for each item of the index; one is null where none of it
// is known. The attributes' masks say of an item that its begin or end is
// left out, that it is an ellipsis, a new axis, or a number. InvalidArgument for an index that x
// does not have.
using SliceNumbers = std::array<const Numbers*, 3>;
absl::StatusOr<SlicePlan> PlanSlice(const Attrs& attrs, const Shape& x,
                                    const SliceNumbers& numbers);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_SLICE_PLAN_H_
