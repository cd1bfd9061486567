// Sliding windows over NHWC images: sizes and padding as TensorFlow counts them.
#ifndef VARSCOPE_CLIENT_KERNELS_WINDOW_H_
#define VARSCOPE_CLIENT_KERNELS_WINDOW_H_

#include <string>

#include "absl/status/statusor.h"
#include "varscope/shape.h"

namespace varscope::internal {

struct Window {
  int64_t batch, in_height, in_width, channels;
  int64_t height, width;  // of the window
  int64_t stride_y, stride_x;
  int64_t pad_top, pad_left;
  int64_t out_height, out_width;
};

// Positions along one axis: ceil(n / stride) for SAME, ceil((n - window + 1) / stride) for VALID;
// -1 when n is unknown.
int64_t Positions(int64_t n, int64_t window, int64_t stride, bool same);

// InvalidArgument when an image is smaller than the window.
absl::StatusOr<Window> MakeWindow(const Shape& image, int64_t height, int64_t width,
                                  int64_t stride_y, int64_t stride_x, bool same);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_WINDOW_H_
