#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/kernels.h"
#include "client/kernels/strided.h"
#include "proto/core/elements.h"

namespace varscope::internal::kernels {
namespace {

int Axis(int64_t axis, int rank) { return static_cast<int>(axis < 0 ? axis + rank : axis); }

void Zero(Tensor& t) { std::memset(t.mutable_raw(), 0, t.byte_size()); }

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

// How many elements of x and y each element of the condition stands for.
absl::StatusOr<int64_t> SelectRun(const Shape& condition, const Shape& x) {
  if (condition == x) return 1;
  if (condition.rank() == 0) return x.num_elements();
  if (condition.rank() == 1 && x.rank() > 0 && condition.dim(0) == x.dim(0)) {
    return x.dim(0) == 0 ? 1 : x.num_elements() / x.dim(0);
  }
  return absl::InvalidArgumentError(absl::StrCat("the condition's shape ", condition.ToString(),
                                                 " does not select from ", x.ToString()));
}

}  // namespace

absl::Status Identity(KernelContext& ctx) {
  ctx.Set(0, ctx.in(0));
  return absl::OkStatus();
}

absl::Status ZerosLike(KernelContext& ctx) {
  Zero(ctx.Allocate(0, ctx.in(0).dtype(), ctx.in(0).shape()));
  return absl::OkStatus();
}

absl::Status OnesLike(KernelContext& ctx) {
  Fill(ctx.Allocate(0, ctx.in(0).dtype(), ctx.in(0).shape()), 1);
  return absl::OkStatus();
}

absl::Status Select(KernelContext& ctx) {
  const Tensor& condition = ctx.in(0);
  const Tensor& x = ctx.in(1);
  const Tensor& y = ctx.in(2);
  const absl::StatusOr<int64_t> run = SelectRun(condition.shape(), x.shape());
  if (!run.ok()) return run.status();
  Tensor& out = ctx.Forward(0, {1, 2}, x.dtype(), x.shape());
  const bool* const c = condition.data<bool>();
  VisitSize(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const from_x = x.data<T>();
    const T* const from_y = y.data<T>();
    T* const to = out.mutable_data<T>();
    for (int64_t i = 0; i < out.num_elements(); ++i) {
      to[i] = c[*run == 1 ? i : i / *run] ? from_x[i] : from_y[i];
    }
  });
  return absl::OkStatus();
}

absl::Status Reshape(KernelContext& ctx) {
  std::vector<int64_t> dims = ctx.attrs.list("shape");
  int64_t known = 1;
  auto open = dims.end();
  for (auto it = dims.begin(); it != dims.end(); ++it) {
    if (*it < 0) {
      open = it;
    } else {
      known *= *it;
    }
  }
  const int64_t n = ctx.in(0).num_elements();
  if (open != dims.end() && known > 0) *open = n / known;
  if (Shape(dims).num_elements() != n) {
    return absl::InvalidArgumentError(absl::StrCat("Cannot reshape ", ctx.in(0).shape().ToString(),
                                                   " to ", Shape(dims).ToString()));
  }
  ctx.Set(0, ctx.in(0).Reshaped(Shape(dims)));
  return absl::OkStatus();
}

absl::Status ReshapeLike(KernelContext& ctx) {
  ctx.Set(0, ctx.in(0).Reshaped(ctx.like()));
  return absl::OkStatus();
}

absl::Status ExpandDims(KernelContext& ctx) {
  std::vector<int64_t> dims = ctx.in(0).shape().dims();
  dims.insert(dims.begin() + Axis(ctx.attrs.integer("axis"), ctx.in(0).shape().rank() + 1), 1);
  ctx.Set(0, ctx.in(0).Reshaped(Shape(dims)));
  return absl::OkStatus();
}

absl::Status Squeeze(KernelContext& ctx) {
  const Shape& shape = ctx.in(0).shape();
  std::vector<bool> drop(shape.rank(), ctx.attrs.list("axis").empty());
  for (int64_t axis : ctx.attrs.list("axis")) drop[Axis(axis, shape.rank())] = true;
  std::vector<int64_t> dims;
  for (int i = 0; i < shape.rank(); ++i) {
    if (drop[i] && shape.dim(i) == 1) continue;
    if (drop[i] && !ctx.attrs.list("axis").empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Can not squeeze dim[", i, "], expected a dimension of 1, got ", shape.dim(i)));
    }
    dims.push_back(shape.dim(i));
  }
  ctx.Set(0, ctx.in(0).Reshaped(Shape(dims)));
  return absl::OkStatus();
}

absl::Status Transpose(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const int rank = x.shape().rank();
  std::vector<int64_t> perm = ctx.attrs.list("perm");
  if (perm.empty()) {
    for (int i = rank - 1; i >= 0; --i) perm.push_back(i);
  }
  const std::vector<int64_t> strides = RowMajorStrides(x.shape());
  std::vector<int64_t> dims;
  std::vector<int64_t> from;
  for (int64_t p : perm) {
    dims.push_back(x.shape().dim(static_cast<int>(p)));
    from.push_back(strides[p]);
  }
  Tensor& out = ctx.Allocate(0, x.dtype(), Shape(dims));
  CopyStrided(x.dtype(), dims, x.raw(), from, out.mutable_raw(), RowMajorStrides(out.shape()));
  return absl::OkStatus();
}

absl::Status Concat(KernelContext& ctx) {
  const Shape& first = ctx.in(0).shape();
  const int axis = Axis(ctx.attrs.integer("axis"), first.rank());
  std::vector<int64_t> dims = first.dims();
  dims[axis] = 0;
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    const Shape& shape = ctx.in(i).shape();
    bool fits = shape.rank() == first.rank();
    for (int d = 0; fits && d < first.rank(); ++d) {
      fits = d == axis || shape.dim(d) == first.dim(d);
    }
    if (!fits) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Dimensions of inputs should match: ", first.ToString(), " vs. ", shape.ToString()));
    }
    dims[axis] += shape.dim(axis);
  }
  Tensor& out = ctx.Allocate(0, ctx.in(0).dtype(), Shape(dims));
  std::vector<int64_t> at(first.rank(), 0);
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    WriteRegion(ctx.in(i), at, out);
    at[axis] += ctx.in(i).shape().dim(axis);
  }
  return absl::OkStatus();
}

// (dy, x_0, ..., x_n): the part of dy that belongs to x_index.
absl::Status ConcatGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const int axis = Axis(ctx.attrs.integer("axis"), dy.shape().rank());
  const auto index = static_cast<int>(ctx.attrs.integer("index"));
  std::vector<int64_t> at(dy.shape().rank(), 0);
  for (int i = 0; i < index; ++i) at[axis] += ctx.in(1 + i).shape().dim(axis);
  ReadRegion(dy, at, ctx.Allocate(0, dy.dtype(), ctx.in(1 + index).shape()));
  return absl::OkStatus();
}

absl::Status Pack(KernelContext& ctx) {
  const Shape& first = ctx.in(0).shape();
  const int axis = Axis(ctx.attrs.integer("axis"), first.rank() + 1);
  std::vector<int64_t> dims = first.dims();
  dims.insert(dims.begin() + axis, ctx.num_inputs());
  Tensor& out = ctx.Allocate(0, ctx.in(0).dtype(), Shape(dims));
  dims[axis] = 1;
  std::vector<int64_t> at(dims.size(), 0);
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    if (!(ctx.in(i).shape() == first)) {
      return absl::InvalidArgumentError(
          absl::StrCat("Shapes of all inputs must match: ", first.ToString(), " vs. ",
                       ctx.in(i).shape().ToString()));
    }
    at[axis] = i;
    WriteRegion(ctx.in(i).Reshaped(Shape(dims)), at, out);
  }
  return absl::OkStatus();
}

absl::Status PackGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const int axis = Axis(ctx.attrs.integer("axis"), dy.shape().rank());
  std::vector<int64_t> at(dy.shape().rank(), 0);
  at[axis] = ctx.attrs.integer("index");
  std::vector<int64_t> dims = dy.shape().dims();
  dims[axis] = 1;
  Tensor part(dy.dtype(), Shape(dims));
  ReadRegion(dy, at, part);
  dims.erase(dims.begin() + axis);
  ctx.Set(0, part.Reshaped(Shape(dims)));
  return absl::OkStatus();
}

absl::Status Slice(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const std::vector<int64_t>& begin = ctx.attrs.list("begin");
  std::vector<int64_t> size = ctx.attrs.list("size");
  for (int i = 0; i < x.shape().rank(); ++i) {
    if (size[i] < 0) size[i] = x.shape().dim(i) - begin[i];
    if (begin[i] < 0 || size[i] < 0 || begin[i] + size[i] > x.shape().dim(i)) {
      return absl::InvalidArgumentError(absl::StrCat("Expected begin[", i, "] and size[", i,
                                                     "] inside ", x.shape().ToString(), ", got ",
                                                     begin[i], " and ", size[i]));
    }
  }
  ReadRegion(x, begin, ctx.Allocate(0, x.dtype(), Shape(size)));
  return absl::OkStatus();
}

// (dy, x): zeros like x with dy at `begin`.
absl::Status SliceGrad(KernelContext& ctx) {
  Tensor& out = ctx.Allocate(0, ctx.in(0).dtype(), ctx.in(1).shape());
  Zero(out);
  WriteRegion(ctx.in(0), ctx.attrs.list("begin"), out);
  return absl::OkStatus();
}

absl::Status Tile(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const std::vector<int64_t>& multiples = ctx.attrs.list("multiples");
  std::vector<int64_t> dims = x.shape().dims();
  int64_t copies = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    dims[i] *= multiples[i];
    copies *= multiples[i];
  }
  Tensor& out = ctx.Allocate(0, x.dtype(), Shape(dims));
  std::vector<int64_t> at(dims.size());
  for (int64_t copy = 0; copy < copies; ++copy) {
    int64_t rest = copy;
    for (int i = static_cast<int>(dims.size()) - 1; i >= 0; --i) {
      at[i] = rest % multiples[i] * x.shape().dim(i);
      rest /= multiples[i];
    }
    WriteRegion(x, at, out);
  }
  return absl::OkStatus();
}

// (dy, x): sums the copies.
absl::Status TileGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const Shape& x = ctx.in(1).shape();
  Tensor& out = ctx.Allocate(0, dy.dtype(), x);
  Zero(out);
  const std::vector<int64_t> strides = RowMajorStrides(x);
  const auto add = [&](auto tag) {
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
  };
  if (dy.dtype() == DType::kFloat32) {
    add(TypeTag<float>{});
  } else if (dy.dtype() == DType::kFloat64) {
    add(TypeTag<double>{});
  } else {
    return UnsupportedDType(dy.dtype());
  }
  return absl::OkStatus();
}

absl::Status Pad(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const std::vector<int64_t>& before = ctx.attrs.list("before");
  const std::vector<int64_t>& after = ctx.attrs.list("after");
  std::vector<int64_t> dims = x.shape().dims();
  for (size_t i = 0; i < dims.size(); ++i) dims[i] += before[i] + after[i];
  Tensor& out = ctx.Allocate(0, x.dtype(), Shape(dims));
  Zero(out);
  WriteRegion(x, before, out);
  return absl::OkStatus();
}

// (dy, x): what lies between the padding.
absl::Status PadGrad(KernelContext& ctx) {
  Tensor& out = ctx.Allocate(0, ctx.in(0).dtype(), ctx.in(1).shape());
  ReadRegion(ctx.in(0), ctx.attrs.list("before"), out);
  return absl::OkStatus();
}

}  // namespace varscope::internal::kernels
