// Sliding windows over NHWC images: sizes and padding as TensorFlow counts them.
#ifndef VARSCOPE_CLIENT_KERNELS_WINDOW_H_
#define VARSCOPE_CLIENT_KERNELS_WINDOW_H_

#include <cstdint>

#include "varscope/shape.h"

namespace varscope::internal {

struct Window {
  int64_t batch, in_height, in_width, channels;
  int64_t height, width;  // of the window
  int64_t stride_y, stride_x;
  int64_t pad_top, pad_left;
  int64_t out_height, out_width;

  bool operator==(const Window&) const = default;
};

// The largest size of a window, and of a stride: with it nothing below overflows.
inline constexpr int64_t kMaxWindow = int64_t{1} << 31;

// Positions along one axis of size n: ceil(n / stride) for SAME; for VALID as TensorFlow counts
// them, 0 for an image that is smaller than the window by less than the stride, and below 0 for
// one that is still smaller.
int64_t Positions(int64_t n, int64_t window, int64_t stride, bool same);

// Of an image of fully defined shape, in which there are positions.
Window MakeWindow(const Shape& image, int64_t height, int64_t width, int64_t stride_y,
                  int64_t stride_x, bool same);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_WINDOW_H_
