#include "client/kernels/indexing.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/slice_plan.h"
#include "client/kernels/strided.h"
#include "proto/tensor/elements.h"
#include "proto/tensor/rows.h"

namespace varscope::internal::kernels {
namespace {

void Clear(Tensor& tensor) { std::memset(tensor.mutable_raw(), 0, tensor.byte_size()); }

// Integers as an index output.
void Give(Tensor& out, int64_t at, int64_t value) {
  if (out.dtype() == DType::kInt32) {
    out.mutable_data<int32_t>()[at] = static_cast<int32_t>(value);
  } else {
    out.mutable_data<int64_t>()[at] = value;
  }
}

int64_t Outer(const Shape& shape, int axis) {
  int64_t n = 1;
  for (int i = 0; i < axis; ++i) n *= shape.dim(i);
  return n;
}
int64_t Inner(const Shape& shape, int axis) {
  int64_t n = 1;
  for (int i = axis + 1; i < shape.rank(); ++i) n *= shape.dim(i);
  return n;
}

// Calls fn(place in the smaller, place in the larger) for each element of a tensor that is repeated
// along its dimensions.
template <typename Fn>
void ForTiles(const Shape& part, const Shape& whole, Fn fn) {
  const std::vector<int64_t> strides = RowMajorStrides(part);
  std::vector<int64_t> at(whole.rank(), 0);
  for (int64_t i = 0; i < whole.num_elements(); ++i) {
    int64_t from = 0;
    for (int d = 0; d < whole.rank(); ++d) from += at[d] % part.dim(d) * strides[d];
    fn(from, i);
    for (int d = whole.rank() - 1; d >= 0 && ++at[d] == whole.dim(d); --d) at[d] = 0;
  }
}

absl::StatusOr<std::vector<StridedRange>> RangesIn(KernelContext& ctx, const Shape& x) {
  std::vector<Numbers> numbers;
  for (int i = 1; i <= 3; ++i) {
    const absl::StatusOr<std::vector<int64_t>> list = ToIndices(ctx.in(i));
    if (!list.ok()) return list.status();
    numbers.emplace_back(list->begin(), list->end());
  }
  const absl::StatusOr<SlicePlan> plan =
      PlanSlice(ctx.attrs, x, {&numbers[0], &numbers[1], &numbers[2]});
  if (!plan.ok()) return plan.status();
  return plan->ranges;
}

// Where the part begins in a tensor of the shape, and its steps there.
struct StridedWalk {
  std::vector<int64_t> dims;
  std::vector<int64_t> strides;
  int64_t first = 0;

  StridedWalk(const std::vector<StridedRange>& ranges, const Shape& shape) {
    const std::vector<int64_t> whole = RowMajorStrides(shape);
    for (size_t i = 0; i < ranges.size(); ++i) {
      dims.push_back(ranges[i].count);
      strides.push_back(whole[i] * ranges[i].step);
      first += whole[i] * ranges[i].first;
    }
  }
};

// The offset of each slice that the rows of `indices` name, in a tensor of `shape`.
absl::StatusOr<std::vector<int64_t>> OffsetsOf(const Tensor& indices, const Shape& shape) {
  const absl::StatusOr<std::vector<int64_t>> numbers = ToIndices(indices);
  if (!numbers.ok()) return numbers.status();
  const int64_t depth = indices.shape().dim(-1);
  const int64_t count = Outer(indices.shape(), indices.shape().rank() - 1);
  const std::vector<int64_t> strides = RowMajorStrides(shape);
  std::vector<int64_t> offsets(count, 0);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t d = 0; d < depth; ++d) {
      const int64_t index = (*numbers)[i * depth + d];
      if (index < 0 || index >= shape.dim(static_cast<int>(d))) {
        return absl::InvalidArgumentError(absl::StrCat("indices[", i, "] has ", index,
                                                       ", which is not in [0, ",
                                                       shape.dim(static_cast<int>(d)), ")"));
      }
      offsets[i] += index * strides[d];
    }
  }
  return offsets;
}

}  // namespace

absl::Status ShapeOf(KernelContext& ctx) {
  const Shape& shape = ctx.in_shape(0);
  Tensor& out = ctx.Allocate();
  for (int i = 0; i < shape.rank(); ++i) Give(out, i, shape.dim(i));
  return absl::OkStatus();
}
absl::Status SizeOfTensor(KernelContext& ctx) {
  Give(ctx.Allocate(), 0, ctx.in_shape(0).num_elements());
  return absl::OkStatus();
}
absl::Status RankOf(KernelContext& ctx) {
  Give(ctx.Allocate(), 0, ctx.in_shape(0).rank());
  return absl::OkStatus();
}

absl::Status FillWith(KernelContext& ctx) {
  ctx.RepeatOne(ctx.in(1));
  return absl::OkStatus();
}

absl::Status BroadcastTo(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  std::vector<int64_t> dims(ctx.shape().rank() - x.shape().rank(), 1);
  dims.insert(dims.end(), x.shape().dims().begin(), x.shape().dims().end());
  ctx.Repeat(x.Reshaped(Shape(std::move(dims))));
  return absl::OkStatus();
}

absl::Status TileBy(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  Tensor& out = ctx.Allocate();
  VisitSize(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    ForTiles(x.shape(), out.shape(),
             [&](int64_t from, int64_t to) { out.mutable_data<T>()[to] = x.data<T>()[from]; });
  });
  return absl::OkStatus();
}
absl::Status TileByGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  Tensor& out = ctx.Allocate();
  Clear(out);
  return VisitComputedFloats(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    ForTiles(out.shape(), dy.shape(), [&](int64_t part, int64_t whole) {
      out.mutable_data<T>()[part] += dy.data<T>()[whole];
    });
  });
}

absl::Status StridedSlice(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const absl::StatusOr<std::vector<StridedRange>> ranges = RangesIn(ctx, x.shape());
  if (!ranges.ok()) return ranges.status();
  const StridedWalk walk(*ranges, x.shape());
  Tensor& out = ctx.Allocate();
  CopyStrided(x.dtype(), walk.dims, x.raw() + walk.first * SizeOf(x.dtype()), walk.strides,
              out.mutable_raw(), RowMajorStrides(Shape(walk.dims)));
  return absl::OkStatus();
}
absl::Status StridedSliceGrad(KernelContext& ctx) {
  const Tensor& dy = ctx.in(0);
  const absl::StatusOr<std::vector<StridedRange>> ranges = RangesIn(ctx, ctx.shape());
  if (!ranges.ok()) return ranges.status();
  const StridedWalk walk(*ranges, ctx.shape());
  Tensor& out = ctx.Allocate();
  Clear(out);
  CopyStrided(dy.dtype(), walk.dims, dy.raw(), RowMajorStrides(Shape(walk.dims)),
              out.mutable_raw() + walk.first * SizeOf(out.dtype()), walk.strides);
  return absl::OkStatus();
}

absl::Status Where(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  std::vector<int64_t> places;
  absl::Status status = VisitComputed(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      if (x.data<T>()[i] != T{}) places.push_back(i);
    }
  });
  if (!status.ok()) return status;
  const int rank = x.shape().rank();
  const std::vector<int64_t> strides = RowMajorStrides(x.shape());
  Tensor out(DType::kInt64, Shape{static_cast<int64_t>(places.size()), rank});
  int64_t* to = out.mutable_data<int64_t>();
  for (int64_t place : places) {
    for (int d = 0; d < rank; ++d) {
      *to++ = place / strides[d];
      place %= strides[d];
    }
  }
  ctx.Find(0, std::move(out));
  return absl::OkStatus();
}

absl::Status Unique(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  Tensor& places = ctx.Allocate(1);
  return VisitComputed(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::unordered_map<T, int64_t> known;  // no NaN is another one
    std::vector<int64_t> firsts;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      const auto [it, fresh] =
          known.try_emplace(x.data<T>()[i], static_cast<int64_t>(firsts.size()));
      if (fresh) firsts.push_back(i);
      Give(places, i, it->second);
    }
    Tensor values(x.dtype(), Shape{static_cast<int64_t>(firsts.size())});
    for (size_t i = 0; i < firsts.size(); ++i) {
      values.mutable_data<T>()[i] = x.data<T>()[firsts[i]];
    }
    ctx.Find(0, std::move(values));
  });
}

absl::Status GatherNd(KernelContext& ctx) {
  const Tensor& params = ctx.in(0);
  const Tensor& indices = ctx.in(1);
  const absl::StatusOr<std::vector<int64_t>> offsets = OffsetsOf(indices, params.shape());
  if (!offsets.ok()) return offsets.status();
  Tensor& out = ctx.Allocate();
  const size_t element = SizeOf(params.dtype());
  const int depth = static_cast<int>(indices.shape().dim(-1));
  const size_t size = static_cast<size_t>(Inner(params.shape(), depth - 1)) * element;
  for (size_t i = 0; i < offsets->size(); ++i) {
    std::memcpy(out.mutable_raw() + i * size, params.raw() + (*offsets)[i] * element, size);
  }
  return absl::OkStatus();
}

absl::Status ScatterNd(KernelContext& ctx) {
  const Tensor& indices = ctx.in(0);
  const Tensor& updates = ctx.in(1);
  const absl::StatusOr<std::vector<int64_t>> offsets = OffsetsOf(indices, ctx.shape());
  if (!offsets.ok()) return offsets.status();
  Tensor& out = ctx.Allocate();
  Clear(out);
  const int depth = static_cast<int>(indices.shape().dim(-1));
  const int64_t size = Inner(ctx.shape(), depth - 1);
  return VisitComputed(updates.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (size_t i = 0; i < offsets->size(); ++i) {
      T* const to = out.mutable_data<T>() + (*offsets)[i];
      const T* const from = updates.data<T>() + i * size;
      for (int64_t k = 0; k < size; ++k) {
        to[k] = Wrapping(to[k], from[k], [](auto a, auto b) { return a + b; });
      }
    }
  });
}

absl::Status Reverse(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  std::vector<int64_t> strides = RowMajorStrides(x.shape());
  int64_t first = 0;
  for (int64_t given : ctx.attrs.list("axis")) {
    const auto axis = static_cast<int>(given < 0 ? given + x.shape().rank() : given);
    first += (x.shape().dim(axis) - 1) * strides[axis];
    strides[axis] = -strides[axis];
  }
  Tensor& out = ctx.Allocate();
  if (out.num_elements() == 0) return absl::OkStatus();
  const auto size = static_cast<int64_t>(SizeOf(x.dtype()));
  CopyStrided(x.dtype(), x.shape().dims(), x.raw() + first * size, strides, out.mutable_raw(),
              RowMajorStrides(x.shape()));
  return absl::OkStatus();
}

absl::Status ReverseSequence(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const absl::StatusOr<std::vector<int64_t>> lengths = ToIndices(ctx.in(1));
  if (!lengths.ok()) return lengths.status();
  const Shape& shape = x.shape();
  const auto axis_of = [&](const char* name) {
    const int64_t axis = ctx.attrs.integer(name);
    return static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
  };
  const int seq = axis_of("seq_axis");
  const int batch = axis_of("batch_axis");
  for (int64_t length : *lengths) {
    if (length >= 0 && length <= shape.dim(seq)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("seq_lens has ", length, ", which is not in [0, ", shape.dim(seq), "]"));
  }
  const std::vector<int64_t> strides = RowMajorStrides(shape);
  Tensor& out = ctx.Allocate();
  VisitSize(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      const int64_t step = i / strides[seq] % shape.dim(seq);
      const int64_t length = (*lengths)[i / strides[batch] % shape.dim(batch)];
      const int64_t from = step < length ? length - 1 - step : step;
      out.mutable_data<T>()[i] = x.data<T>()[i + (from - step) * strides[seq]];
    }
  });
  return absl::OkStatus();
}

absl::Status SegmentSum(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Tensor& ids = ctx.in(1);
  const absl::StatusOr<std::vector<int64_t>> segments = ToIndices(ids);
  if (!segments.ok()) return segments.status();
  Tensor& out = ctx.Allocate();
  Clear(out);
  const int64_t count = ctx.shape().dim(0);
  const int64_t size = Inner(x.shape(), ids.shape().rank() - 1);
  for (int64_t segment : *segments) {
    if (segment < count) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("segment_ids has ", segment, ", which is not in [0, ", count, ")"));
  }
  return VisitComputed(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (size_t i = 0; i < segments->size(); ++i) {
      if ((*segments)[i] < 0) continue;
      T* const to = out.mutable_data<T>() + (*segments)[i] * size;
      const T* const from = x.data<T>() + static_cast<int64_t>(i) * size;
      for (int64_t k = 0; k < size; ++k) {
        to[k] = Wrapping(to[k], from[k], [](auto a, auto b) { return a + b; });
      }
    }
  });
}

}  // namespace varscope::internal::kernels
