#include "client/kernels/strided.h"

#include <algorithm>
#include <cstring>

namespace varscope::internal {
namespace {

template <typename T>
void CopyRow(int64_t n, const std::byte* src, int64_t src_stride, std::byte* dst,
             int64_t dst_stride) {
  const T* const from = reinterpret_cast<const T*>(src);
  T* const to = reinterpret_cast<T*>(dst);
  for (int64_t i = 0; i < n; ++i) to[i * dst_stride] = from[i * src_stride];
}

void CopyRow(DType dtype, int64_t n, const std::byte* src, int64_t src_stride, std::byte* dst,
             int64_t dst_stride) {
  if (src_stride == 1 && dst_stride == 1) {
    std::memcpy(dst, src, n * SizeOf(dtype));
    return;
  }
  VisitSize(dtype, [&](auto tag) {
    CopyRow<typename decltype(tag)::type>(n, src, src_stride, dst, dst_stride);
  });
}

}  // namespace

std::vector<int64_t> RowMajorStrides(const Shape& shape) {
  std::vector<int64_t> strides(shape.rank(), 1);
  for (int i = shape.rank() - 2; i >= 0; --i) strides[i] = strides[i + 1] * shape.dim(i + 1);
  return strides;
}

void CopyStrided(DType dtype, const std::vector<int64_t>& dims, const std::byte* src,
                 const std::vector<int64_t>& src_strides, std::byte* dst,
                 const std::vector<int64_t>& dst_strides) {
  const int rank = static_cast<int>(dims.size());
  if (rank == 0) {
    std::memcpy(dst, src, SizeOf(dtype));
    return;
  }
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return;
  int64_t rows = 1;
  for (int i = 0; i < rank - 1; ++i) rows *= dims[i];
  const auto bytes = static_cast<int64_t>(SizeOf(dtype));
  for (int64_t row = 0; row < rows; ++row) {
    int64_t from = 0;
    int64_t to = 0;
    int64_t rest = row;
    for (int i = rank - 2; i >= 0; --i) {
      from += rest % dims[i] * src_strides[i];
      to += rest % dims[i] * dst_strides[i];
      rest /= dims[i];
    }
    CopyRow(dtype, dims.back(), src + from * bytes, src_strides.back(), dst + to * bytes,
            dst_strides.back());
  }
}

}  // namespace varscope::internal
