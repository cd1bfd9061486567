#include "client/kernels/window.h"

#include <algorithm>

namespace varscope::internal {

int64_t Positions(int64_t n, int64_t window, int64_t stride, bool same) {
  if (same) return n / stride + (n % stride != 0 ? 1 : 0);
  return n >= window ? (n - window) / stride + 1 : (n - window + stride) / stride;
}

Window MakeWindow(const Shape& image, int64_t height, int64_t width, int64_t stride_y,
                  int64_t stride_x, bool same) {
  Window w{.batch = image.dim(0),
           .in_height = image.dim(1),
           .in_width = image.dim(2),
           .channels = image.dim(3),
           .height = height,
           .width = width,
           .stride_y = stride_y,
           .stride_x = stride_x,
           .pad_top = 0,
           .pad_left = 0,
           .out_height = Positions(image.dim(1), height, stride_y, same),
           .out_width = Positions(image.dim(2), width, stride_x, same)};
  const auto padding = [](int64_t out, int64_t stride, int64_t window, int64_t in) {
    return std::max<int64_t>((out - 1) * stride + window - in, 0) / 2;
  };
  if (same) {
    w.pad_top = padding(w.out_height, stride_y, height, w.in_height);
    w.pad_left = padding(w.out_width, stride_x, width, w.in_width);
  }
  return w;
}

}  // namespace varscope::internal
