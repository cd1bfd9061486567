// How a reduction walks its operand.
#ifndef VARSCOPE_CLIENT_KERNELS_REDUCTION_H_
#define VARSCOPE_CLIENT_KERNELS_REDUCTION_H_

#include <cstdint>
#include <numeric>
#include <vector>

#include "client/graph/attrs.h"
#include "client/kernels/strided.h"
#include "varscope/shape.h"

namespace varscope::internal {

// Which axes of a tensor of that rank an op reduces: all where it has no attribute "axis".
inline std::vector<int64_t> ReducedAxes(const Attrs& attrs, int rank) {
  if (attrs.has("axis")) return attrs.list("axis");
  std::vector<int64_t> all(rank);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// The result has one element for each kept index.
struct Reduction {
  Shape kept;                                          // x's, the reduced dimensions are 1
  std::vector<int64_t> kept_dims, kept_strides;        // where each result starts in x
  std::vector<int64_t> reduced_dims, reduced_strides;  // from there to what it reduces
  int64_t results = 1;
  int64_t count = 1;  // elements that make one result

  Reduction(const Shape& x, const std::vector<int64_t>& axes) {
    std::vector<bool> reduce(x.rank(), false);
    for (int64_t axis : axes) reduce[axis < 0 ? axis + x.rank() : axis] = true;
    const std::vector<int64_t> strides = RowMajorStrides(x);
    std::vector<int64_t> with_ones;
    for (int i = 0; i < x.rank(); ++i) {
      with_ones.push_back(reduce[i] ? 1 : x.dim(i));
      // Neighbours that are walked as one dimension are merged.
      std::vector<int64_t>& to = reduce[i] ? reduced_dims : kept_dims;
      std::vector<int64_t>& to_strides = reduce[i] ? reduced_strides : kept_strides;
      (reduce[i] ? count : results) *= x.dim(i);
      const bool merges = i > 0 && reduce[i] == reduce[i - 1] && !to.empty();
      if (merges) {
        to.back() *= x.dim(i);
        to_strides.back() = strides[i];
      } else {
        to.push_back(x.dim(i));
        to_strides.push_back(strides[i]);
      }
    }
    kept = Shape(with_ones);
  }
};

// Where element `index` of a region of `dims` lies.
inline int64_t OffsetOf(int64_t index, const std::vector<int64_t>& dims,
                        const std::vector<int64_t>& strides) {
  int64_t offset = 0;
  for (int i = static_cast<int>(dims.size()) - 1; i >= 0; --i) {
    offset += index % dims[i] * strides[i];
    index /= dims[i];
  }
  return offset;
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_REDUCTION_H_
