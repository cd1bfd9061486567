// The largest elements of rows, and elements by their places in rows.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <numeric>
#include <vector>

#include "absl/status/statusor.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/indexing.h"
#include "client/kernels/kernels.h"
#include "client/kernels/strided.h"
#include "proto/tensor/rows.h"

namespace varscope::internal::kernels {
namespace {

// Of numbers, the larger first; of equal ones the first.
template <typename T>
void Largest(const T* x, int64_t n, int64_t k, T* values, int32_t* places) {
  std::vector<int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + k, order.end(),
                    [x](int32_t a, int32_t b) { return x[a] > x[b] || (x[a] == x[b] && a < b); });
  for (int64_t i = 0; i < k; ++i) {
    places[i] = order[i];
    values[i] = x[order[i]];
  }
}

// The order of n numbers that lie `step` apart, as numbers that lie so, too: of equal ones the
// first is first, and NaN is last.
template <typename T>
void Order(const T* x, int64_t n, int64_t step, bool descending, std::vector<int32_t>& order,
           int32_t* places) {
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [=](int32_t i, int32_t j) {
    const T a = x[i * step];
    const T b = x[j * step];
    if (IsNan(a) || IsNan(b)) return !IsNan(a) && IsNan(b);
    return descending ? a > b : a < b;
  });
  for (int64_t i = 0; i < n; ++i) places[i * step] = order[i];
}

// Calls fn(place in a tensor of rows of n elements, place among `places`) for each of them: which
// element of its row it names. InvalidArgument for one that no row has: a program may feed them.
template <typename Fn>
absl::Status ForPlaces(const Tensor& places, int64_t n, Fn fn) {
  const absl::StatusOr<std::vector<int64_t>> in_row = RowsBelow(places, n);
  if (!in_row.ok()) return in_row.status();
  const int64_t k = places.shape().dim(-1);
  for (int64_t i = 0; i < places.num_elements(); ++i) fn(i / k * n + (*in_row)[i], i);
  return absl::OkStatus();
}

}  // namespace

absl::Status TopK(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const int64_t n = x.shape().dim(-1);
  const int64_t k = ctx.shape().dim(-1);
  Tensor& values = ctx.Allocate(0);
  Tensor& places = ctx.Allocate(1);
  if (k == 0 || n == 0) return absl::OkStatus();
  return VisitComputed(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t row = 0; row < x.num_elements() / n; ++row) {
      Largest(x.data<T>() + row * n, n, k, values.mutable_data<T>() + row * k,
              places.mutable_data<int32_t>() + row * k);
    }
  });
}

absl::Status ArgSort(KernelContext& ctx) try {
  const Tensor& x = ctx.in(0);
  Tensor& out = ctx.Allocate();
  if (out.num_elements() == 0) return absl::OkStatus();
  const int64_t given = ctx.attrs.integer("axis");
  const auto axis = static_cast<int>(given < 0 ? given + x.shape().rank() : given);
  const int64_t n = x.shape().dim(axis);
  const int64_t step = RowMajorStrides(x.shape())[axis];
  const bool descending = ctx.attrs.flag("descending");
  return VisitComputed(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<int32_t> order(n);
    for (int64_t row = 0; row < x.num_elements() / n; ++row) {
      const int64_t first = row / step * step * n + row % step;
      Order(x.data<T>() + first, n, step, descending, order, out.mutable_data<int32_t>() + first);
    }
  });
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError("no memory for an order");
}

absl::Status InTopK(KernelContext& ctx) {
  const Tensor& predictions = ctx.in(0);
  const absl::StatusOr<std::vector<int64_t>> targets = ToIndices(ctx.in(1));
  if (!targets.ok()) return targets.status();
  const int64_t classes = predictions.shape().dim(1);
  const int64_t k = ctx.attrs.integer("k");
  Tensor& out = ctx.Allocate();
  for (size_t row = 0; row < targets->size(); ++row) {
    const float* const x = predictions.data<float>() + row * classes;
    const int64_t target = (*targets)[row];
    bool in = target >= 0 && target < classes && std::isfinite(x[target]);
    int64_t larger = 0;
    for (int64_t i = 0; in && i < classes; ++i) {
      in = std::isfinite(x[i]);
      if (x[i] > x[target]) ++larger;
    }
    out.mutable_data<bool>()[row] = in && larger < k;
  }
  return absl::OkStatus();
}

absl::Status TakeLast(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  Tensor& out = ctx.Allocate();
  absl::Status taken;
  VisitSize(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const from = x.data<T>();
    T* const to = out.mutable_data<T>();
    taken = ForPlaces(ctx.in(1), x.shape().dim(-1),
                      [&](int64_t place, int64_t i) { to[i] = from[place]; });
  });
  return taken;
}
absl::Status PutLast(KernelContext& ctx) {
  const Tensor& values = ctx.in(0);
  Tensor& out = ctx.Allocate();
  std::memset(out.mutable_raw(), 0, out.byte_size());
  absl::Status put;
  absl::Status known = VisitComputedFloats(values.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const from = values.data<T>();
    T* const to = out.mutable_data<T>();
    put = ForPlaces(ctx.in(1), ctx.shape().dim(-1),
                    [&](int64_t place, int64_t i) { to[place] += from[i]; });
  });
  return known.ok() ? put : known;
}

}  // namespace varscope::internal::kernels
