#include "client/kernels/volume.h"

#include <cstring>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/matmul.h"
#include "client/kernels/window.h"

namespace varscope::internal {

VolumeWindow::VolumeWindow(const Shape& volumes, const Place& window, const Attrs& attrs)
    : batch(volumes.dim(0)), channels(volumes.dim(4)), size(window), before{} {
  const bool same = attrs.text("padding") == "SAME";
  for (int i = 0; i < 3; ++i) {
    in[i] = volumes.dim(i + 1);
    stride[i] = attrs.list("strides")[i + 1];
    out[i] = Positions(in[i], size[i], stride[i], same);
    if (same) before[i] = std::max<int64_t>((out[i] - 1) * stride[i] + size[i] - in[i], 0) / 2;
  }
}

namespace kernels {
namespace {

Place SizesOf(const std::vector<int64_t>& list) { return {list[1], list[2], list[3]}; }

// A convolution is a matrix product over patches, of as many positions at a time as this many
// elements hold: in their order, so that results are the same for any number of threads.
constexpr int64_t kPatchElements = int64_t{1} << 20;

class Convolution {
 public:
  Convolution(const Attrs& attrs, const Shape& volumes, const Shape& filter)
      : w_(volumes, {filter.dim(0), filter.dim(1), filter.dim(2)}, attrs),
        out_channels_(filter.dim(4)),
        patch_(ProductOf(w_.size) * w_.channels),
        positions_(w_.batch * w_.out_count()) {}

  bool IsEmpty() const { return positions_ == 0 || patch_ == 0 || out_channels_ == 0; }

  template <typename T>
  absl::Status Forward(Device& device, const T* x, const T* filter, T* out) const {
    return ForParts<T>([&](int64_t first, int64_t count, T* patches) {
      Take(device, first, count, x, patches);
      return MatMulInto(device, MatMulArgs<T>{patches, filter, out + first * out_channels_, count,
                                              out_channels_, patch_});
    });
  }
  // dx is zeros.
  template <typename T>
  absl::Status BackwardInput(Device& device, const T* dy, const T* filter, T* dx) const {
    return ForParts<T>([&](int64_t first, int64_t count, T* patches) {
      absl::Status status =
          MatMulInto(device, MatMulArgs<T>{dy + first * out_channels_, filter, patches, count,
                                           patch_, out_channels_, false, true});
      for (int64_t i = 0; i < count && status.ok(); ++i) {
        ForRuns(first + i, [&](int64_t at, int64_t voxel) {
          const T* const from = patches + i * patch_ + at;
          for (int64_t c = 0; c < w_.channels; ++c) dx[voxel + c] += from[c];
        });
      }
      return status;
    });
  }
  // dfilter is zeros.
  template <typename T>
  absl::Status BackwardFilter(Device& device, const T* dy, const T* x, T* dfilter) const {
    Tensor part(kDTypeOf<T>, Shape{patch_, out_channels_});
    return ForParts<T>([&](int64_t first, int64_t count, T* patches) {
      Take(device, first, count, x, patches);
      absl::Status status = MatMulInto(
          device, MatMulArgs<T>{patches, dy + first * out_channels_, part.mutable_data<T>(), patch_,
                                out_channels_, count, true, false});
      const T* const from = part.data<T>();
      for (int64_t i = 0; i < part.num_elements(); ++i) dfilter[i] += from[i];
      return status;
    });
  }

 private:
  // Returns the first error of fn(first position, count, room for their patches).
  template <typename T, typename Fn>
  absl::Status ForParts(Fn fn) const {
    const int64_t most = std::clamp<int64_t>(kPatchElements / patch_, 1, positions_);
    Tensor patches(kDTypeOf<T>, Shape{most, patch_});
    for (int64_t first = 0; first < positions_; first += most) {
      absl::Status status =
          fn(first, std::min(most, positions_ - first), patches.mutable_data<T>());
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  // Calls fn(place in the patch, place in the volumes) for the channels of each voxel of a patch
  // that is inside.
  template <typename Fn>
  void ForRuns(int64_t position, Fn fn) const {
    const Place out = w_.OutPlace(position % w_.out_count());
    const VolumeWindow::Region region = w_.At(out);
    const int64_t volume = position / w_.out_count() * w_.in_count();
    ForPlacesIn(region.first, region.end, [&](const Place& place) {
      int64_t at = 0;
      for (int i = 0; i < 3; ++i) {
        at = at * w_.size[i] + place[i] - (out[i] * w_.stride[i] - w_.before[i]);
      }
      fn(at * w_.channels, (volume + w_.InIndex(place)) * w_.channels);
    });
  }
  template <typename T>
  void Take(Device& device, int64_t first, int64_t count, const T* x, T* patches) const {
    device.ParallelFor(count, static_cast<double>(patch_), [&](int64_t begin, int64_t end) {
      std::fill(patches + begin * patch_, patches + end * patch_, T{0});
      for (int64_t i = begin; i < end; ++i) {
        ForRuns(first + i, [&](int64_t at, int64_t voxel) {
          std::copy_n(x + voxel, w_.channels, patches + i * patch_ + at);
        });
      }
    });
  }

  const VolumeWindow w_;
  const int64_t out_channels_, patch_, positions_;
};

// Returns fn(TypeTag, convolution, output 0), which is zeros.
template <typename Fn>
absl::Status Convolve(KernelContext& ctx, const Shape& volumes, const Shape& filter, Fn fn) {
  const Convolution convolution(ctx.attrs, volumes, filter);
  Tensor& out = ctx.Allocate();
  std::memset(out.mutable_raw(), 0, out.byte_size());
  absl::Status run;
  absl::Status visited = VisitComputedFloats(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (!convolution.IsEmpty()) run = fn(tag, convolution, out.mutable_data<T>());
  });
  return visited.ok() ? run : visited;
}

// Calls fn(window, element of the result's channels, its region, volume's first voxel, output 0)
// for each window of volumes of that shape; output 0 is zeros.
template <typename Fn>
absl::Status Pool(KernelContext& ctx, const Shape& volumes, Fn fn) {
  const VolumeWindow w(volumes, SizesOf(ctx.attrs.list("ksize")), ctx.attrs);
  Tensor& out = ctx.Allocate();
  std::memset(out.mutable_raw(), 0, out.byte_size());
  const double cost =
      kCheap * static_cast<double>(w.out_count() * w.channels) *
      static_cast<double>(ProductOf({std::min(w.size[0], w.in[0]), std::min(w.size[1], w.in[1]),
                                     std::min(w.size[2], w.in[2])}));
  return VisitComputedFloats(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const to = out.mutable_data<T>();
    ctx.device.ParallelFor(w.batch, cost, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin * w.out_count(); at < end * w.out_count(); ++at) {
        const VolumeWindow::Region region = w.At(w.OutPlace(at % w.out_count()));
        const int64_t volume = at / w.out_count() * w.in_count();
        // The number of the first channel of a voxel of the region.
        const auto voxels = [&](auto each) {
          ForPlacesIn(region.first, region.end,
                      [&](const Place& place) { each((volume + w.InIndex(place)) * w.channels); });
        };
        for (int64_t c = 0; c < w.channels; ++c) fn(at * w.channels + c, c, voxels, to);
      }
    });
  });
}

template <typename T>
const T* Data(const Tensor& tensor, T*) {
  return tensor.data<T>();
}

// The largest of channel c; the first number where there is nothing larger, as pool.cc has it.
template <typename T, typename Voxels>
T LargestOf(const T* x, int64_t c, const Voxels& voxels) {
  bool first = true;
  T largest = 0;
  voxels([&](int64_t voxel) {
    if (first || x[voxel + c] > largest) largest = x[voxel + c];
    first = false;
  });
  return largest;
}

}  // namespace

// (x, filter).
absl::Status Conv3D(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Tensor& filter = ctx.in(1);
  return Convolve(ctx, x.shape(), filter.shape(),
                  [&](auto tag, const Convolution& conv, auto* out) {
                    using T = typename decltype(tag)::type;
                    return conv.Forward(ctx.device, x.data<T>(), filter.data<T>(), out);
                  });
}
// (dy, filter, x).
absl::Status Conv3DBackpropInput(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Tensor& filter = ctx.in(1);
  return Convolve(ctx, ctx.shape(), filter.shape(),
                  [&](auto tag, const Convolution& conv, auto* dx) {
                    using T = typename decltype(tag)::type;
                    return conv.BackwardInput(ctx.device, dy.data<T>(), filter.data<T>(), dx);
                  });
}
// (dy, x, filter).
absl::Status Conv3DBackpropFilter(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Tensor& x = ctx.in(1);
  return Convolve(ctx, x.shape(), ctx.shape(),
                  [&](auto tag, const Convolution& conv, auto* dfilter) {
                    using T = typename decltype(tag)::type;
                    return conv.BackwardFilter(ctx.device, dy.data<T>(), x.data<T>(), dfilter);
                  });
}

absl::Status MaxPool3D(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  return Pool(ctx, x.shape(), [&](int64_t at, int64_t c, const auto& voxels, auto* out) {
    out[at] = LargestOf(Data(x, out), c, voxels);
  });
}
// (dy, x). All that are as large as the largest have the gradient, as TensorFlow's.
absl::Status MaxPool3DGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Tensor& x = ctx.in(1);
  return Pool(ctx, x.shape(), [&](int64_t at, int64_t c, const auto& voxels, auto* dx) {
    const auto* const from = Data(x, dx);
    const auto largest = LargestOf(from, c, voxels);
    const auto gradient = Data(dy, dx)[at];
    voxels([&](int64_t voxel) {
      if (from[voxel + c] == largest) dx[voxel + c] += gradient;
    });
  });
}
// (ddx, x). The first of those that are as large as the largest counts, as in TensorFlow.
absl::Status MaxPool3DGradGrad(KernelContext& ctx) {
  const Tensor& ddx = ctx.in(0);
  const Tensor& x = ctx.in(1);
  return Pool(ctx, x.shape(), [&](int64_t at, int64_t c, const auto& voxels, auto* out) {
    const auto* const from = Data(x, out);
    const auto largest = LargestOf(from, c, voxels);
    bool found = false;
    voxels([&](int64_t voxel) {
      if (!found && from[voxel + c] == largest) out[at] = Data(ddx, out)[voxel + c];
      found = found || from[voxel + c] == largest;
    });
  });
}

absl::Status AvgPool3D(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  return Pool(ctx, x.shape(), [&](int64_t at, int64_t c, const auto& voxels, auto* out) {
    int64_t count = 0;
    voxels([&](int64_t voxel) {
      out[at] += Data(x, out)[voxel + c];
      ++count;
    });
    out[at] /= static_cast<std::remove_pointer_t<decltype(out)>>(count);
  });
}
// (dy, x's shape).
absl::Status AvgPool3DGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  return Pool(ctx, ctx.shape(), [&](int64_t at, int64_t c, const auto& voxels, auto* dx) {
    int64_t count = 0;
    voxels([&](int64_t) { ++count; });
    const auto share = Data(dy, dx)[at] / static_cast<std::remove_pointer_t<decltype(dx)>>(count);
    voxels([&](int64_t voxel) { dx[voxel + c] += share; });
  });
}

}  // namespace kernels
}  // namespace varscope::internal
