// Convolution: by oneDNN, or, where that is not for it, as a matrix product over patches (im2col).
#include <cstring>
#include <optional>
#include <type_traits>

#include "absl/status/status.h"
#include "client/kernels/conv_parts.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/matmul.h"
#include "client/kernels/window.h"

namespace varscope::internal::kernels {
namespace {

Window ConvWindow(const KernelContext& ctx, const Shape& image, const Shape& filter) {
  const std::vector<int64_t>& strides = ctx.attrs.list("strides");
  return MakeWindow(image, filter.dim(0), filter.dim(1), strides[1], strides[2],
                    ctx.attrs.text("padding") == "SAME");
}

int64_t PatchSize(const Window& w) { return w.height * w.width * w.channels; }
int64_t PatchCount(const Window& w) { return w.batch * w.out_height * w.out_width; }

// Calls fn(patch_offset, image_offset) for each run of channels that lies inside the image, and
// outside(patch_offset) for the padding.
template <typename Inside, typename Outside>
void WalkPatch(const Window& w, int64_t patch, Inside inside, Outside outside) {
  const int64_t x0 = patch % w.out_width * w.stride_x - w.pad_left;
  const int64_t y0 = patch / w.out_width % w.out_height * w.stride_y - w.pad_top;
  const int64_t image = patch / (w.out_width * w.out_height);
  int64_t at = patch * PatchSize(w);
  for (int64_t y = y0; y < y0 + w.height; ++y) {
    for (int64_t x = x0; x < x0 + w.width; ++x, at += w.channels) {
      if (y < 0 || y >= w.in_height || x < 0 || x >= w.in_width) {
        outside(at);
      } else {
        inside(at, ((image * w.in_height + y) * w.in_width + x) * w.channels);
      }
    }
  }
}

template <typename T>
Tensor Patches(KernelContext& ctx, const Window& w, const T* image) {
  Tensor patches(kDTypeOf<T>, Shape{PatchCount(w), PatchSize(w)});
  T* const to = patches.mutable_data<T>();
  const size_t run = w.channels * sizeof(T);
  ctx.device.ParallelFor(
      PatchCount(w), static_cast<double>(PatchSize(w)), [&](int64_t begin, int64_t end) {
        for (int64_t patch = begin; patch < end; ++patch) {
          WalkPatch(
              w, patch, [&](int64_t at, int64_t from) { std::memcpy(to + at, image + from, run); },
              [&](int64_t at) { std::memset(to + at, 0, run); });
        }
      });
  return patches;
}

// The patches of an image touch no other image.
template <typename T>
void AddPatches(KernelContext& ctx, const Window& w, const T* patches, T* images) {
  const int64_t of_image = w.out_height * w.out_width;
  const auto cost = static_cast<double>(of_image * PatchSize(w));
  ctx.device.ParallelFor(w.batch, cost, [&](int64_t begin, int64_t end) {
    for (int64_t patch = begin * of_image; patch < end * of_image; ++patch) {
      WalkPatch(
          w, patch,
          [&](int64_t at, int64_t to) {
            for (int64_t c = 0; c < w.channels; ++c) images[to + c] += patches[at + c];
          },
          [](int64_t) {});
    }
  });
}

// What follows a convolution at once: a bias, and perhaps relu.
template <typename T>
struct Epilogue {
  const T* bias = nullptr;  // null: nothing follows
  bool relu = false;

  void Apply(int64_t rows, int64_t channels, T* out) const {
    if (bias == nullptr) return;
    for (int64_t row = 0; row < rows; ++row, out += channels) {
      if (relu) {
        for (int64_t c = 0; c < channels; ++c) {
          const T sum = out[c] + bias[c];
          out[c] = sum <= 0 ? T{0} : sum;  // NaN stays
        }
      } else {
        for (int64_t c = 0; c < channels; ++c) out[c] += bias[c];
      }
    }
  }
};

// Of the operands two are read alone.
template <typename T>
T* Writable(const Tensor& tensor) {
  return const_cast<T*>(tensor.data<T>());
}

template <typename T>
absl::Status Forward(KernelContext& ctx, const Window& w, const Epilogue<T>& epilogue,
                     Tensor& out) {
  const int64_t out_channels = out.shape().dim(3);
  const int64_t rows = w.out_height * w.out_width;
  T* const to = out.mutable_data<T>();
  if constexpr (std::is_same_v<T, float>) {
    const auto then = [&](int64_t first, int64_t count) {
      epilogue.Apply(count * rows, out_channels, to + first * rows * out_channels);
    };
    const std::optional<absl::Status> done =
        ConvolveParts(ctx.device, {ConvResult::kOut, w, out_channels},
                      {Writable<T>(ctx.in(0)), Writable<T>(ctx.in(1)), to}, then);
    if (done) return *done;
  }
  const Tensor patches = Patches<T>(ctx, w, ctx.in(0).data<T>());
  absl::Status status =
      MatMulInto(ctx.device, MatMulArgs<T>{patches.data<T>(), ctx.in(1).data<T>(), to,
                                           PatchCount(w), out_channels, PatchSize(w)});
  if (!status.ok()) return status;
  epilogue.Apply(w.batch * rows, out_channels, to);
  return absl::OkStatus();
}

template <typename T>
absl::Status BackwardInput(KernelContext& ctx, const Window& w, Tensor& out) {
  const int64_t out_channels = ctx.in(1).shape().dim(3);
  if constexpr (std::is_same_v<T, float>) {
    const std::optional<absl::Status> done =
        ConvolveParts(ctx.device, {ConvResult::kImages, w, out_channels},
                      {out.mutable_data<T>(), Writable<T>(ctx.in(1)), Writable<T>(ctx.in(0))},
                      [](int64_t, int64_t) {});
    if (done) return *done;
  }
  Tensor patches(kDTypeOf<T>, Shape{PatchCount(w), PatchSize(w)});
  absl::Status status = MatMulInto(
      ctx.device, MatMulArgs<T>{ctx.in(0).data<T>(), ctx.in(1).data<T>(), patches.mutable_data<T>(),
                                PatchCount(w), PatchSize(w), out_channels, false, true});
  if (!status.ok()) return status;
  std::memset(out.mutable_raw(), 0, out.byte_size());
  AddPatches(ctx, w, patches.data<T>(), out.mutable_data<T>());
  return absl::OkStatus();
}

template <typename T>
absl::Status BackwardFilter(KernelContext& ctx, const Window& w, Tensor& out) {
  const int64_t out_channels = out.shape().dim(3);
  if constexpr (std::is_same_v<T, float>) {
    const std::optional<absl::Status> done =
        ConvolveParts(ctx.device, {ConvResult::kFilter, w, out_channels},
                      {Writable<T>(ctx.in(1)), out.mutable_data<T>(), Writable<T>(ctx.in(0))},
                      [](int64_t, int64_t) {});
    if (done) return *done;
  }
  const Tensor patches = Patches<T>(ctx, w, ctx.in(1).data<T>());
  return MatMulInto(ctx.device,
                    MatMulArgs<T>{patches.data<T>(), ctx.in(0).data<T>(), out.mutable_data<T>(),
                                  PatchSize(w), out_channels, PatchCount(w), true, false});
}

// Returns fn(TypeTag, window, output 0).
template <typename Fn>
absl::Status Convolve(KernelContext& ctx, const Shape& image, const Shape& filter, Fn fn) {
  const Window w = ConvWindow(ctx, image, filter);
  Tensor& out = ctx.Allocate();
  absl::Status run;
  absl::Status visited = VisitComputedFloats(out.dtype(), [&](auto tag) { run = fn(tag, w, out); });
  return visited.ok() ? run : visited;
}

}  // namespace

// (x, filter).
absl::Status Conv2D(KernelContext& ctx) {
  return Convolve(ctx, ctx.in(0).shape(), ctx.in(1).shape(),
                  [&](auto tag, const Window& w, Tensor& out) {
                    return Forward<typename decltype(tag)::type>(ctx, w, {}, out);
                  });
}

// (x, filter, bias).
absl::Status Conv2DWithBias(KernelContext& ctx) {
  const bool relu = ctx.attrs.flag("relu");
  return Convolve(ctx, ctx.in(0).shape(), ctx.in(1).shape(),
                  [&](auto tag, const Window& w, Tensor& out) {
                    using T = typename decltype(tag)::type;
                    return Forward<T>(ctx, w, {ctx.in(2).data<T>(), relu}, out);
                  });
}

// (dy, filter, x).
absl::Status Conv2DBackpropInput(KernelContext& ctx) {
  return Convolve(ctx, ctx.shape(), ctx.in(1).shape(), [&](auto tag, const Window& w, Tensor& out) {
    return BackwardInput<typename decltype(tag)::type>(ctx, w, out);
  });
}

// (dy, x, filter).
absl::Status Conv2DBackpropFilter(KernelContext& ctx) {
  return Convolve(ctx, ctx.in(1).shape(), ctx.shape(), [&](auto tag, const Window& w, Tensor& out) {
    return BackwardFilter<typename decltype(tag)::type>(ctx, w, out);
  });
}

}  // namespace varscope::internal::kernels
