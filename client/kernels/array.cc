#include <cstring>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/strided.h"
#include "proto/tensor/elements.h"

namespace varscope::internal::kernels {
namespace {

int Axis(int64_t axis, int rank) { return static_cast<int>(axis < 0 ? axis + rank : axis); }

void Zero(Tensor& t) { std::memset(t.mutable_raw(), 0, t.byte_size()); }

void RepeatNumber(KernelContext& ctx, double number) {
  Tensor one(ctx.dtype(), Shape{});
  Fill(one, number);
  ctx.RepeatOne(one);
}

int64_t Offset(const std::vector<int64_t>& at, const std::vector<int64_t>& strides) {
  int64_t offset = 0;
  for (size_t i = 0; i < at.size(); ++i) offset += at[i] * strides[i];
  return offset;
}

// The region of `dims` at `at` in a tensor of `shape`: read from it, or written to it.
void ReadRegion(const Tensor& from, const std::vector<int64_t>& at, Tensor& region) {
  const size_t size = SizeOf(from.dtype());
  const std::vector<int64_t> strides = RowMajorStrides(from.shape());
  CopyStrided(from.dtype(), region.shape().dims(), from.raw() + Offset(at, strides) * size, strides,
              region.mutable_raw(), RowMajorStrides(region.shape()));
}
void WriteRegion(const Tensor& region, const std::vector<int64_t>& at, Tensor& to) {
  const size_t size = SizeOf(to.dtype());
  const std::vector<int64_t> strides = RowMajorStrides(to.shape());
  CopyStrided(to.dtype(), region.shape().dims(), region.raw(), RowMajorStrides(region.shape()),
              to.mutable_raw() + Offset(at, strides) * size, strides);
}

}  // namespace

// The same elements under another shape: Identity, Reshape, ExpandDims, Squeeze and their
// gradients.
absl::Status Share(KernelContext& ctx) {
  if (ctx.in_shape(0) == ctx.shape()) {
    ctx.Repeat(ctx.part(0));
  } else if (ctx.part(0).num_elements() == 1) {
    ctx.RepeatOne(ctx.part(0));
  } else {
    ctx.Share(ctx.in(0));
  }
  return absl::OkStatus();
}

absl::Status ZerosLike(KernelContext& ctx) {
  RepeatNumber(ctx, 0);
  return absl::OkStatus();
}

absl::Status OnesLike(KernelContext& ctx) {
  RepeatNumber(ctx, 1);
  return absl::OkStatus();
}

absl::Status Select(KernelContext& ctx) {
  const Tensor& condition = ctx.in(0);
  const Tensor& x = ctx.one_or_all(1);
  const Tensor& y = ctx.one_or_all(2);
  Tensor& out = ctx.Forward({1, 2});
  if (out.num_elements() == 0) return absl::OkStatus();
  // How many elements of x and y each element of the condition stands for.
  const int64_t run = out.num_elements() / condition.num_elements();
  const bool* const c = condition.data<bool>();
  const int64_t step_x = x.num_elements() == 1 ? 0 : 1;
  const int64_t step_y = y.num_elements() == 1 ? 0 : 1;
  VisitSize(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const from_x = x.data<T>();
    const T* const from_y = y.data<T>();
    T* const to = out.mutable_data<T>();
    for (int64_t i = 0; i < out.num_elements(); ++i) {
      to[i] = c[run == 1 ? i : i / run] ? from_x[i * step_x] : from_y[i * step_y];
    }
  });
  return absl::OkStatus();
}

absl::Status Transpose(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const std::vector<int64_t> strides = RowMajorStrides(x.shape());
  std::vector<int64_t> from;
  for (int64_t p : ctx.attrs.list("perm")) from.push_back(strides[p]);
  Tensor& out = ctx.Allocate();
  CopyStrided(x.dtype(), out.shape().dims(), x.raw(), from, out.mutable_raw(),
              RowMajorStrides(out.shape()));
  return absl::OkStatus();
}

absl::Status Concat(KernelContext& ctx) {
  Tensor& out = ctx.Allocate();
  const int axis = Axis(ctx.attrs.integer("axis"), out.shape().rank());
  std::vector<int64_t> at(out.shape().rank(), 0);
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    WriteRegion(ctx.in(i), at, out);
    at[axis] += ctx.in(i).shape().dim(axis);
  }
  return absl::OkStatus();
}

// dy in the parts that x_0, x_1 and so on have of it.
absl::Status ConcatGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const int axis = Axis(ctx.attrs.integer("axis"), dy.shape().rank());
  std::vector<int64_t> at(dy.shape().rank(), 0);
  for (int i = 0; i < ctx.num_outputs(); ++i) {
    ReadRegion(dy, at, ctx.Allocate(i));
    at[axis] += ctx.shape(i).dim(axis);
  }
  return absl::OkStatus();
}

absl::Status Pack(KernelContext& ctx) {
  Tensor& out = ctx.Allocate();
  const int axis = Axis(ctx.attrs.integer("axis"), out.shape().rank());
  std::vector<int64_t> at(out.shape().rank(), 0);
  std::vector<int64_t> part = out.shape().dims();
  part[axis] = 1;
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    at[axis] = i;
    WriteRegion(ctx.in(i).Reshaped(Shape(part)), at, out);
  }
  return absl::OkStatus();
}

absl::Status Unpack(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const int axis = Axis(ctx.attrs.integer("axis"), x.shape().rank());
  std::vector<int64_t> at(x.shape().rank(), 0);
  std::vector<int64_t> part = x.shape().dims();
  part[axis] = 1;
  for (int i = 0; i < ctx.num_outputs(); ++i) {
    at[axis] = i;
    Tensor region = ctx.Allocate(i).Reshaped(Shape(part));
    ReadRegion(x, at, region);
  }
  return absl::OkStatus();
}

absl::Status Slice(KernelContext& ctx) {
  ReadRegion(ctx.in(0), ctx.attrs.list("begin"), ctx.Allocate());
  return absl::OkStatus();
}

// Zeros with dy at `begin`.
absl::Status SliceGrad(KernelContext& ctx) {
  Tensor& out = ctx.Allocate();
  Zero(out);
  WriteRegion(ctx.in(0), ctx.attrs.list("begin"), out);
  return absl::OkStatus();
}

absl::Status Tile(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const std::vector<int64_t>& multiples = ctx.attrs.list("multiples");
  Tensor& out = ctx.Allocate();
  if (out.num_elements() == 0) return absl::OkStatus();
  const int64_t copies = out.num_elements() / x.num_elements();
  std::vector<int64_t> at(multiples.size());
  for (int64_t copy = 0; copy < copies; ++copy) {
    int64_t rest = copy;
    for (int i = x.shape().rank() - 1; i >= 0; --i) {
      at[i] = rest % multiples[i] * x.shape().dim(i);
      rest /= multiples[i];
    }
    WriteRegion(x, at, out);
  }
  return absl::OkStatus();
}

// The sum of dy's copies.
absl::Status TileGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Shape& x = ctx.shape();
  Tensor& out = ctx.Allocate();
  Zero(out);
  const std::vector<int64_t> strides = RowMajorStrides(x);
  return VisitComputedFloats(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < dy.num_elements(); ++i) {
      int64_t rest = i;
      int64_t to = 0;
      for (int d = x.rank() - 1; d >= 0; --d) {
        to += rest % dy.shape().dim(d) % x.dim(d) * strides[d];
        rest /= dy.shape().dim(d);
      }
      out.mutable_data<T>()[to] += dy.data<T>()[i];
    }
  });
}

absl::Status Pad(KernelContext& ctx) {
  Tensor& out = ctx.Allocate();
  Zero(out);
  WriteRegion(ctx.in(0), ctx.attrs.list("before"), out);
  return absl::OkStatus();
}

// What lies between the padding.
absl::Status PadGrad(KernelContext& ctx) {
  ReadRegion(ctx.in(0), ctx.attrs.list("before"), ctx.Allocate());
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels
