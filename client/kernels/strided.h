// Copies between rectangular regions of tensors: the work of concat, slice, pad, transpose, tile.
#ifndef VARSCOPE_CLIENT_KERNELS_STRIDED_H_
#define VARSCOPE_CLIENT_KERNELS_STRIDED_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "varscope/dtype.h"
#include "varscope/shape.h"

namespace varscope::internal {

// Elements from one index to the next, for each dimension of a row-major tensor.
std::vector<int64_t> RowMajorStrides(const Shape& shape);

// dst[i . dst_strides] = src[i . src_strides] for all i below dims; offsets and strides count
// elements of `dtype`.
void CopyStrided(DType dtype, const std::vector<int64_t>& dims, const std::byte* src,
                 const std::vector<int64_t>& src_strides, std::byte* dst,
                 const std::vector<int64_t>& dst_strides);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_STRIDED_H_
