// Convolution of each channel by itself, with filters [y, x, channels, m] of which each makes one
// of a channel's m results.
#include <algorithm>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/window.h"

namespace varscope::internal::kernels {
namespace {

// The window that an op slides over images, and what it meets at each of its taps.
struct Slide {
  Window w;
  int64_t m;     // results of a channel
  int64_t size;  // of all channels
  int64_t taps;
};

Slide SlideOf(const KernelContext& ctx, const Shape& images, const Shape& filter) {
  const std::vector<int64_t>& strides = ctx.attrs.list("strides");
  const Window w = MakeWindow(images, filter.dim(0), filter.dim(1), strides[1], strides[2],
                              ctx.attrs.text("padding") == "SAME");
  return {w, filter.dim(3), w.channels * filter.dim(3), w.height * w.width};
}

// Calls fn(tap of the filter, pixel of the images, pixel of the result) for the taps [first, last)
// that meet a pixel of the images, of one row of results.
template <typename Fn>
void ForMeetings(const Window& w, int64_t row, int64_t first, int64_t last, Fn fn) {
  const int64_t image = row / w.out_height;
  const int64_t top = row % w.out_height * w.stride_y - w.pad_top;
  for (int64_t tap = first; tap < last; ++tap) {
    const int64_t y = top + tap / w.width;
    if (y < 0 || y >= w.in_height) continue;
    const int64_t in_row = (image * w.in_height + y) * w.in_width;
    for (int64_t out_x = 0; out_x < w.out_width; ++out_x) {
      const int64_t x = out_x * w.stride_x - w.pad_left + tap % w.width;
      if (x >= 0 && x < w.in_width) fn(tap, in_row + x, row * w.out_width + out_x);
    }
  }
}

// to[c, i] += x[c] * each[c, i], of `channels` and `m`.
template <typename T>
void AddProducts(int64_t channels, int64_t m, const T* x, const T* each, T* to) {
  if (m == 1) {
    for (int64_t c = 0; c < channels; ++c) to[c] += x[c] * each[c];
    return;
  }
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < m; ++i) to[c * m + i] += x[c] * each[c * m + i];
  }
}

// to[c] += the sum of a[c, i] * b[c, i] over i.
template <typename T>
void AddSums(int64_t channels, int64_t m, const T* a, const T* b, T* to) {
  if (m == 1) return AddProducts(channels, 1, a, b, to);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < m; ++i) to[c] += a[c * m + i] * b[c * m + i];
  }
}

// Calls fn(the results' zeros, begin, end) for parts of `count` things of which each takes `cost`
// multiplications; output 0 is `size` elements for each of them.
template <typename Fn>
absl::Status InParts(KernelContext& ctx, int64_t count, int64_t size, double cost, Fn fn) {
  Tensor& out = ctx.Allocate();
  return VisitComputedFloats(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const to = out.mutable_data<T>();
    ctx.device.ParallelFor(count, kCheap * cost, [&](int64_t begin, int64_t end) {
      std::fill(to + begin * size, to + end * size, T{0});
      fn(to, begin, end);
    });
  });
}

}  // namespace

// (x, filter).
absl::Status DepthwiseConv2D(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Tensor& filter = ctx.in(1);
  const auto [w, m, size, taps] = SlideOf(ctx, x.shape(), filter.shape());
  const auto cost = static_cast<double>(w.out_width * size * taps);
  return InParts(ctx, w.batch * w.out_height, w.out_width * size, cost,
                 [&](auto* to, int64_t begin, int64_t end) {
                   using T = std::remove_pointer_t<decltype(to)>;
                   for (int64_t row = begin; row < end; ++row) {
                     ForMeetings(w, row, 0, taps, [&](int64_t tap, int64_t in, int64_t out) {
                       AddProducts(w.channels, m, x.data<T>() + in * w.channels,
                                   filter.data<T>() + tap * size, to + out * size);
                     });
                   }
                 });
}

// (dy, filter, x).
absl::Status DepthwiseConv2DBackpropInput(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Tensor& filter = ctx.in(1);
  const auto [w, m, size, taps] = SlideOf(ctx, ctx.shape(), filter.shape());
  const auto cost = static_cast<double>(w.out_height * w.out_width * size * taps);
  return InParts(ctx, w.batch, w.in_height * w.in_width * w.channels, cost,
                 [&](auto* to, int64_t begin, int64_t end) {
                   using T = std::remove_pointer_t<decltype(to)>;
                   for (int64_t row = begin * w.out_height; row < end * w.out_height; ++row) {
                     ForMeetings(w, row, 0, taps, [&](int64_t tap, int64_t in, int64_t out) {
                       AddSums(w.channels, m, dy.data<T>() + out * size,
                               filter.data<T>() + tap * size, to + in * w.channels);
                     });
                   }
                 });
}

// (dy, x, filter). Each tap is summed by one thread, in one order.
absl::Status DepthwiseConv2DBackpropFilter(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Tensor& x = ctx.in(1);
  const auto [w, m, size, taps] = SlideOf(ctx, x.shape(), ctx.shape());
  const int64_t rows = w.batch * w.out_height;
  return InParts(ctx, taps, size, static_cast<double>(rows * w.out_width * size),
                 [&](auto* to, int64_t begin, int64_t end) {
                   using T = std::remove_pointer_t<decltype(to)>;
                   for (int64_t row = 0; row < rows; ++row) {
                     ForMeetings(w, row, begin, end, [&](int64_t tap, int64_t in, int64_t out) {
                       AddProducts(w.channels, m, x.data<T>() + in * w.channels,
                                   dy.data<T>() + out * size, to + tap * size);
                     });
                   }
                 });
}

}  // namespace varscope::internal::kernels
