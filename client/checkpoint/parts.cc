#include "client/checkpoint/parts.h"

#include <cstring>

namespace varscope::checkpoint {
namespace {

// The dimension that is split.
int AxisOf(const std::vector<int64_t>& partitions) {
  for (size_t d = 0; d < partitions.size(); ++d) {
    if (partitions[d] > 1) return static_cast<int>(d);
  }
  return 0;
}

// Calls fn(offset in the part, offset in the whole, bytes) for each contiguous run of the part that
// begins at `start` on the axis.
template <typename Fn>
void ForEachRun(const Tensor& whole, const Shape& part, int axis, int64_t start, Fn&& fn) {
  int64_t outer = 1;
  int64_t inner = static_cast<int64_t>(SizeOf(whole.dtype()));
  for (int d = 0; d < axis; ++d) outer *= part.dim(d);
  for (int d = axis + 1; d < part.rank(); ++d) inner *= part.dim(d);
  const int64_t run = part.dim(axis) * inner;
  for (int64_t o = 0; o < outer; ++o) {
    fn(o * run, (o * whole.shape().dim(axis) + start) * inner, run);
  }
}

}  // namespace

Tensor Join(const std::vector<Tensor>& parts, const std::vector<int64_t>& partitions) {
  if (parts.size() == 1) return parts.front();
  const int axis = AxisOf(partitions);
  std::vector<int64_t> dims = parts.front().shape().dims();
  dims[axis] = 0;
  for (const Tensor& part : parts) dims[axis] += part.shape().dim(axis);
  Tensor whole(parts.front().dtype(), Shape(dims));
  int64_t start = 0;
  for (const Tensor& part : parts) {
    ForEachRun(whole, part.shape(), axis, start, [&](int64_t from, int64_t to, int64_t bytes) {
      std::memcpy(whole.mutable_raw() + to, part.raw() + from, bytes);
    });
    start += part.shape().dim(axis);
  }
  return whole;
}

std::vector<Tensor> Cut(const Tensor& whole, const std::vector<int64_t>& partitions,
                        const std::vector<Shape>& shapes) {
  if (shapes.size() == 1) {
    return whole.shape() == shapes[0] ? std::vector<Tensor>{whole} : std::vector<Tensor>();
  }
  const int axis = AxisOf(partitions);
  int64_t total = 0;
  for (const Shape& shape : shapes) {
    std::vector<int64_t> dims = shape.dims();
    if (static_cast<int>(dims.size()) <= axis) return {};
    total += dims[axis];
    dims[axis] = whole.shape().rank() > axis ? whole.shape().dim(axis) : -1;
    if (Shape(dims) != whole.shape()) return {};
  }
  if (total != whole.shape().dim(axis)) return {};
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (const Shape& shape : shapes) {
    Tensor part(whole.dtype(), shape);
    ForEachRun(whole, shape, axis, start, [&](int64_t to, int64_t from, int64_t bytes) {
      std::memcpy(part.mutable_raw() + to, whole.raw() + from, bytes);
    });
    start += shape.dim(axis);
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace varscope::checkpoint
