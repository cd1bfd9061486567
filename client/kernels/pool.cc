#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/window.h"

namespace varscope::internal::kernels {
namespace {

Window PoolWindow(const KernelContext& ctx, const Shape& image) {
  const std::vector<int64_t>& ksize = ctx.attrs.list("ksize");
  const std::vector<int64_t>& strides = ctx.attrs.list("strides");
  return MakeWindow(image, ksize[1], ksize[2], strides[1], strides[2],
                    ctx.attrs.text("padding") == "SAME");
}

// The part of one window that lies inside its image, whose first pixel is `origin` of the batch.
struct Region {
  int64_t y0, y1, x0, x1;
  int64_t origin;

  int64_t pixels() const { return (y1 - y0) * (x1 - x0); }
};

// Calls fn(pixel of the result, region) for each window of an image of the batch.
template <typename Fn>
void ForEachWindow(const Window& w, int64_t image, Fn fn) {
  int64_t at = image * w.out_height * w.out_width;
  for (int64_t oy = 0; oy < w.out_height; ++oy) {
    for (int64_t ox = 0; ox < w.out_width; ++ox, ++at) {
      const int64_t y = oy * w.stride_y - w.pad_top;
      const int64_t x = ox * w.stride_x - w.pad_left;
      fn(at, Region{.y0 = std::max<int64_t>(y, 0),
                    .y1 = std::min(y + w.height, w.in_height),
                    .x0 = std::max<int64_t>(x, 0),
                    .x1 = std::min(x + w.width, w.in_width),
                    .origin = image * w.in_height * w.in_width});
    }
  }
}

// Calls fn(number, pixel of the batch) for the pixels of a region, row by row.
template <typename Fn>
void ForEachPixel(const Window& w, const Region& r, Fn fn) {
  int64_t number = 0;
  for (int64_t y = r.y0; y < r.y1; ++y) {
    for (int64_t x = r.x0; x < r.x1; ++x) fn(number++, r.origin + y * w.in_width + x);
  }
}

// Channels that are looked at together: their maxima are kept beside each other, so that the loops
// over channels are vectors.
constexpr int64_t kTogether = 64;

// Calls fn(first, count) for all channels.
template <typename Fn>
void ForChannels(const Window& w, Fn fn) {
  for (int64_t c = 0; c < w.channels; c += kTogether) fn(c, std::min(kTogether, w.channels - c));
}

// Where the maxima of some channels lie: the first of equal ones.
template <typename T>
class Maxima {
 public:
  // `x`: the batch, from the first of the channels on.
  void Find(const Window& w, const Region& r, const T* x, int64_t count) {
    ForEachPixel(w, r, [&](int64_t number, int64_t pixel) {
      const T* const from = x + pixel * w.channels;
      if (number == 0) {
        std::copy(from, from + count, value);
        std::fill(where, where + count, 0);
        return;
      }
      const auto position = static_cast<int32_t>(number);
      for (int64_t c = 0; c < count; ++c) {
        where[c] = from[c] > value[c] ? position : where[c];
        value[c] = from[c] > value[c] ? from[c] : value[c];
      }
    });
  }

  T value[kTogether];
  int32_t where[kTogether];  // the number of the pixel in the region
};

template <typename T>
void MaxForward(const Window& w, int64_t image, const T* x, T* out) {
  ForEachWindow(w, image, [&](int64_t at, const Region& r) {
    T* const y = out + at * w.channels;
    ForEachPixel(w, r, [&](int64_t number, int64_t pixel) {
      const T* const from = x + pixel * w.channels;
      if (number == 0) {
        std::copy(from, from + w.channels, y);
      } else {
        for (int64_t c = 0; c < w.channels; ++c) y[c] = from[c] > y[c] ? from[c] : y[c];
      }
    });
  });
}

template <typename T, typename I>
void MaxPlaces(const Window& w, int64_t image, const T* x, T* out, I* places, bool in_batch) {
  Maxima<T> maxima;
  ForEachWindow(w, image, [&](int64_t at, const Region& r) {
    const int64_t width = r.x1 - r.x0;
    const int64_t origin = in_batch ? r.origin : 0;
    ForChannels(w, [&](int64_t first, int64_t count) {
      maxima.Find(w, r, x + first, count);
      for (int64_t c = 0; c < count; ++c) {
        const int64_t y = r.y0 + maxima.where[c] / width;
        const int64_t pixel = origin + y * w.in_width + r.x0 + maxima.where[c] % width;
        out[at * w.channels + first + c] = maxima.value[c];
        places[at * w.channels + first + c] = static_cast<I>(pixel * w.channels + first + c);
      }
    });
  });
}

// dx is zeros.
template <typename T>
void MaxBackward(const Window& w, int64_t image, const T* x, const T* dy, T* dx) {
  Maxima<T> maxima;
  ForEachWindow(w, image, [&](int64_t at, const Region& r) {
    ForChannels(w, [&](int64_t first, int64_t count) {
      maxima.Find(w, r, x + first, count);
      const T* const from = dy + at * w.channels + first;
      ForEachPixel(w, r, [&](int64_t number, int64_t pixel) {
        T* const to = dx + pixel * w.channels + first;
        const auto position = static_cast<int32_t>(number);
        for (int64_t c = 0; c < count; ++c) {
          to[c] += maxima.where[c] == position ? from[c] : T{0};
        }
      });
    });
  });
}

// Padding does not count.
template <typename T>
void AvgForward(const Window& w, int64_t image, const T* x, T* out) {
  ForEachWindow(w, image, [&](int64_t at, const Region& r) {
    T* const y = out + at * w.channels;
    std::fill(y, y + w.channels, T{0});
    ForEachPixel(w, r, [&](int64_t, int64_t pixel) {
      const T* const from = x + pixel * w.channels;
      for (int64_t c = 0; c < w.channels; ++c) y[c] += from[c];
    });
    const T count = static_cast<T>(r.pixels());
    for (int64_t c = 0; c < w.channels; ++c) y[c] /= count;
  });
}

// dx is zeros.
template <typename T>
void AvgBackward(const Window& w, int64_t image, const T* dy, T* dx) {
  ForEachWindow(w, image, [&](int64_t at, const Region& r) {
    const T count = static_cast<T>(r.pixels());
    const T* const from = dy + at * w.channels;
    ForEachPixel(w, r, [&](int64_t, int64_t pixel) {
      T* const to = dx + pixel * w.channels;
      for (int64_t c = 0; c < w.channels; ++c) to[c] += from[c] / count;
    });
  });
}

// dx is dy's at the maxima alone; this picks them back.
template <typename T>
void PickMaxima(const Window& w, int64_t image, const T* x, const T* ddx, T* out) {
  Maxima<T> maxima;
  ForEachWindow(w, image, [&](int64_t at, const Region& r) {
    ForChannels(w, [&](int64_t first, int64_t count) {
      maxima.Find(w, r, x + first, count);
      T* const to = out + at * w.channels + first;
      ForEachPixel(w, r, [&](int64_t number, int64_t pixel) {
        const T* const from = ddx + pixel * w.channels + first;
        const auto position = static_cast<int32_t>(number);
        for (int64_t c = 0; c < count; ++c) to[c] = maxima.where[c] == position ? from[c] : to[c];
      });
    });
  });
}

enum class Like { kImages, kResult };

// Calls fn(window, image, output 0) for each image of a batch of that shape, perhaps in parallel;
// its part of the output, which is like the images or like the result, is zeros.
template <typename Fn>
absl::Status Pool(KernelContext& ctx, const Shape& image, Like like, Fn fn) {
  const Window w = PoolWindow(ctx, image);
  Tensor& out = ctx.Allocate();
  const int64_t pixels =
      like == Like::kImages ? w.in_height * w.in_width : w.out_height * w.out_width;
  const double cost = kCheap * static_cast<double>(w.out_height * w.out_width * w.channels) *
                      static_cast<double>(std::min(w.height, w.in_height)) *
                      static_cast<double>(std::min(w.width, w.in_width));
  return VisitComputedFloats(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const to = out.mutable_data<T>();
    ctx.device.ParallelFor(w.batch, cost, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        std::fill_n(to + b * pixels * w.channels, pixels * w.channels, T{0});
        fn(w, b, to);
      }
    });
  });
}

template <typename T>
const T* Data(const Tensor& tensor, T*) {
  return tensor.data<T>();
}

}  // namespace

absl::Status MaxPool(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  return Pool(ctx, x.shape(), Like::kResult, [&](const Window& w, int64_t image, auto* out) {
    MaxForward(w, image, Data(x, out), out);
  });
}

// Also where they lie: numbers of elements in their image, or in the batch.
absl::Status MaxPoolWithArgmax(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const bool in_batch = ctx.attrs.flag("include_batch_in_index");
  Tensor& places = ctx.Allocate(1);
  return Pool(ctx, x.shape(), Like::kResult, [&](const Window& w, int64_t image, auto* out) {
    if (places.dtype() == DType::kInt32) {
      MaxPlaces(w, image, Data(x, out), out, places.mutable_data<int32_t>(), in_batch);
    } else {
      MaxPlaces(w, image, Data(x, out), out, places.mutable_data<int64_t>(), in_batch);
    }
  });
}

// (dy, x).
absl::Status MaxPoolGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Tensor& x = ctx.in(1);
  return Pool(ctx, x.shape(), Like::kImages, [&](const Window& w, int64_t image, auto* dx) {
    MaxBackward(w, image, Data(x, dx), Data(dy, dx), dx);
  });
}

// (ddx, x).
absl::Status MaxPoolGradGrad(KernelContext& ctx) {
  const Tensor& ddx = ctx.in(0);
  const Tensor& x = ctx.in(1);
  return Pool(ctx, x.shape(), Like::kResult, [&](const Window& w, int64_t image, auto* out) {
    PickMaxima(w, image, Data(x, out), Data(ddx, out), out);
  });
}

absl::Status AvgPool(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  return Pool(ctx, x.shape(), Like::kResult, [&](const Window& w, int64_t image, auto* out) {
    AvgForward(w, image, Data(x, out), out);
  });
}

// (dy, x's shape).
absl::Status AvgPoolGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  return Pool(ctx, ctx.shape(), Like::kImages, [&](const Window& w, int64_t image, auto* dx) {
    AvgBackward(w, image, Data(dy, dx), dx);
  });
}

}  // namespace varscope::internal::kernels
