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

// Calls fn(out_offset, first, last + 1 of rows, of columns, image) for each window.
template <typename Fn>
void ForEachWindow(const Window& w, Fn fn) {
  int64_t at = 0;
  for (int64_t b = 0; b < w.batch; ++b) {
    for (int64_t oy = 0; oy < w.out_height; ++oy) {
      for (int64_t ox = 0; ox < w.out_width; ++ox, at += w.channels) {
        const int64_t y = oy * w.stride_y - w.pad_top;
        const int64_t x = ox * w.stride_x - w.pad_left;
        const int64_t y0 = std::max<int64_t>(y, 0);
        const int64_t y1 = std::min(y + w.height, w.in_height);
        const int64_t x0 = std::max<int64_t>(x, 0);
        const int64_t x1 = std::min(x + w.width, w.in_width);
        fn(at, b, y0, y1, x0, x1);
      }
    }
  }
}

int64_t PixelOffset(const Window& w, int64_t b, int64_t y, int64_t x) {
  return ((b * w.in_height + y) * w.in_width + x) * w.channels;
}

// Where the maximum of channel c of a window lies: the first of equal ones.
template <typename T>
int64_t MaxOffset(const Window& w, const T* image, int64_t b, int64_t y0, int64_t y1, int64_t x0,
                  int64_t x1, int64_t c) {
  int64_t best = PixelOffset(w, b, y0, x0) + c;
  for (int64_t y = y0; y < y1; ++y) {
    for (int64_t x = x0; x < x1; ++x) {
      const int64_t at = PixelOffset(w, b, y, x) + c;
      if (image[at] > image[best]) best = at;
    }
  }
  return best;
}

template <typename T>
void MaxForward(const Window& w, const T* image, T* out) {
  ForEachWindow(w, [&](int64_t at, int64_t b, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
    for (int64_t c = 0; c < w.channels; ++c) {
      out[at + c] = image[MaxOffset(w, image, b, y0, y1, x0, x1, c)];
    }
  });
}

template <typename T>
void MaxBackward(const Window& w, const T* image, const T* dy, T* dx) {
  ForEachWindow(w, [&](int64_t at, int64_t b, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
    for (int64_t c = 0; c < w.channels; ++c) {
      dx[MaxOffset(w, image, b, y0, y1, x0, x1, c)] += dy[at + c];
    }
  });
}

// Padding does not count.
template <typename T>
void AvgForward(const Window& w, const T* image, T* out) {
  ForEachWindow(w, [&](int64_t at, int64_t b, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
    const T count = static_cast<T>((y1 - y0) * (x1 - x0));
    for (int64_t c = 0; c < w.channels; ++c) {
      T sum = 0;
      for (int64_t y = y0; y < y1; ++y) {
        for (int64_t x = x0; x < x1; ++x) sum += image[PixelOffset(w, b, y, x) + c];
      }
      out[at + c] = sum / count;
    }
  });
}

template <typename T>
void AvgBackward(const Window& w, const T* dy, T* dx) {
  ForEachWindow(w, [&](int64_t at, int64_t b, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
    const T count = static_cast<T>((y1 - y0) * (x1 - x0));
    for (int64_t y = y0; y < y1; ++y) {
      for (int64_t x = x0; x < x1; ++x) {
        T* const to = dx + PixelOffset(w, b, y, x);
        for (int64_t c = 0; c < w.channels; ++c) to[c] += dy[at + c] / count;
      }
    }
  });
}

// dx is dy's at the maxima alone; this picks them back.
template <typename T>
void PickMaxima(const Window& w, const T* image, const T* ddx, T* out) {
  ForEachWindow(w, [&](int64_t at, int64_t b, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
    for (int64_t c = 0; c < w.channels; ++c) {
      out[at + c] = ddx[MaxOffset(w, image, b, y0, y1, x0, x1, c)];
    }
  });
}

// Calls fn.operator()<T>(window of images of that shape, output 0), which is zeros.
template <typename Fn>
absl::Status Pool(KernelContext& ctx, const Shape& image, Fn fn) {
  const Window w = PoolWindow(ctx, image);
  Tensor& out = ctx.Allocate();
  std::memset(out.mutable_raw(), 0, out.byte_size());
  return VisitComputedFloats(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    fn(w, out.mutable_data<T>());
  });
}

template <typename T>
const T* Data(const Tensor& tensor, T*) {
  return tensor.data<T>();
}

}  // namespace

absl::Status MaxPool(KernelContext& ctx) {
  return Pool(ctx, ctx.in(0).shape(),
              [&](const Window& w, auto* out) { MaxForward(w, Data(ctx.in(0), out), out); });
}

// (dy, x).
absl::Status MaxPoolGrad(KernelContext& ctx) {
  return Pool(ctx, ctx.in(1).shape(), [&](const Window& w, auto* dx) {
    MaxBackward(w, Data(ctx.in(1), dx), Data(ctx.in(0), dx), dx);
  });
}

// (ddx, x).
absl::Status MaxPoolGradGrad(KernelContext& ctx) {
  return Pool(ctx, ctx.in(1).shape(), [&](const Window& w, auto* out) {
    PickMaxima(w, Data(ctx.in(1), out), Data(ctx.in(0), out), out);
  });
}

absl::Status AvgPool(KernelContext& ctx) {
  return Pool(ctx, ctx.in(0).shape(),
              [&](const Window& w, auto* out) { AvgForward(w, Data(ctx.in(0), out), out); });
}

// (dy, x's shape).
absl::Status AvgPoolGrad(KernelContext& ctx) {
  return Pool(ctx, ctx.shape(),
              [&](const Window& w, auto* dx) { AvgBackward(w, Data(ctx.in(0), dx), dx); });
}

}  // namespace varscope::internal::kernels
