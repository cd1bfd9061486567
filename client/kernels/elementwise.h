// Element-wise kernels: one function for each op, broadcast as NumPy does.
#ifndef VARSCOPE_CLIENT_KERNELS_ELEMENTWISE_H_
#define VARSCOPE_CLIENT_KERNELS_ELEMENTWISE_H_

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/kernels/context.h"

namespace varscope::internal {

// How two operands step through their broadcast result: dimensions that both walk alike are merged.
struct BroadcastWalk {
  std::vector<int64_t> dims;  // merged; never empty
  std::vector<int64_t> a;     // strides, 0 where an operand is repeated
  std::vector<int64_t> b;

  int64_t inner() const { return dims.back(); }
  int64_t rows() const;
  // Where row `row` starts in each operand.
  std::pair<int64_t, int64_t> Start(int64_t row) const;
};
// `shape` is what a and b are broadcast to.
BroadcastWalk Walk(const Shape& a, const Shape& b, const Shape& shape);

// What a kernel gives that does not compute with a dtype, before it takes any input.
inline constexpr absl::string_view kUnsupportedDType = "varscope/unsupported_dtype";
inline absl::Status UnsupportedDType(DType dtype) {
  absl::Status status = absl::InvalidArgumentError(
      absl::StrCat("there is no kernel for ", Name(dtype), "; cast it first"));
  status.SetPayload(kUnsupportedDType, absl::Cord());
  return status;
}
inline bool IsUnsupportedDType(const absl::Status& status) {
  return !status.ok() && status.GetPayload(kUnsupportedDType).has_value();
}

// Calls fn(TypeTag<T>{}) with the C++ type of a dtype that kernels compute with. Elements of the
// others are converted and moved, not computed with: each type is a copy of every kernel.
template <typename Fn>
absl::Status VisitComputed(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kFloat32:
      fn(TypeTag<float>{});
      break;
    case DType::kFloat64:
      fn(TypeTag<double>{});
      break;
    case DType::kInt32:
      fn(TypeTag<int32_t>{});
      break;
    case DType::kInt64:
      fn(TypeTag<int64_t>{});
      break;
    case DType::kBool:
      fn(TypeTag<bool>{});
      break;
    case DType::kUint8:
      fn(TypeTag<uint8_t>{});
      break;
    default:
      return UnsupportedDType(dtype);
  }
  return absl::OkStatus();
}

// The same without bool and uint8.
template <typename Fn>
absl::Status VisitComputedNumbers(DType dtype, Fn&& fn) {
  if (dtype == DType::kFloat32) return fn(TypeTag<float>{}), absl::OkStatus();
  if (dtype == DType::kFloat64) return fn(TypeTag<double>{}), absl::OkStatus();
  if (dtype == DType::kInt32) return fn(TypeTag<int32_t>{}), absl::OkStatus();
  if (dtype == DType::kInt64) return fn(TypeTag<int64_t>{}), absl::OkStatus();
  return UnsupportedDType(dtype);
}

// The same for float32 and float64 alone.
template <typename Fn>
absl::Status VisitComputedFloats(DType dtype, Fn&& fn) {
  if (dtype == DType::kFloat32) return fn(TypeTag<float>{}), absl::OkStatus();
  if (dtype == DType::kFloat64) return fn(TypeTag<double>{}), absl::OkStatus();
  return UnsupportedDType(dtype);
}

// False for what is no float.
template <typename T>
bool IsNan(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(x);
  return false;
}

// Signed overflow wraps, as TensorFlow's kernels do.
template <typename T, typename Fn>
T Wrapping(T x, T y, Fn fn) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    using U = std::make_unsigned_t<T>;
    using Wide = std::common_type_t<U, unsigned>;
    return static_cast<T>(static_cast<U>(
        fn(static_cast<Wide>(static_cast<U>(x)), static_cast<Wide>(static_cast<U>(y)))));
  } else {
    return fn(x, y);
  }
}

// Cycles of one element of cheap arithmetic, which the compiler vectorizes: what fits the
// second-level cache is done before another thread is awake.
constexpr double kCheap = 0.5;

// Calls run(first in a, first in b, first in the result, count) for runs of elements that cover the
// result, which is not empty, perhaps in parallel; an element takes `cost` cycles.
void ForRuns(Device& device, const BroadcastWalk& walk, double cost,
             absl::FunctionRef<void(int64_t, int64_t, int64_t, int64_t)> run);

// out[i] = fn(a[i], b[i]), which takes `cost` cycles; R is the result's type. `out` may be an
// operand of its shape.
template <typename T, typename R, typename Fn>
void Zip(Device& device, const Tensor& ta, const Tensor& tb, Tensor& out, Fn fn,
         double cost = kCheap) {
  if (out.num_elements() == 0) return;
  const BroadcastWalk walk = Walk(ta.shape(), tb.shape(), out.shape());
  const T* const a = ta.data<T>();
  const T* const b = tb.data<T>();
  R* const r = out.mutable_data<R>();
  const bool repeats_a = walk.a.back() == 0;
  const bool repeats_b = walk.b.back() == 0;
  ForRuns(device, walk, cost, [&](int64_t from_a, int64_t from_b, int64_t to, int64_t n) {
    // An operand that is repeated along the run is laid out as a block, so that each function and
    // type is one loop: there are hundreds, and most of the kernels' build is theirs.
    constexpr int64_t kBlock = 512;
    T block_a[kBlock];
    T block_b[kBlock];
    const int64_t most = repeats_a || repeats_b ? std::min(kBlock, n) : n;
    if (repeats_a) std::fill_n(block_a, most, a[from_a]);
    if (repeats_b) std::fill_n(block_b, most, b[from_b]);
    for (int64_t i = 0; i < n; i += most) {
      const T* const x = repeats_a ? block_a : a + from_a + i;
      const T* const y = repeats_b ? block_b : b + from_b + i;
      R* const z = r + to + i;
      const int64_t count = std::min(most, n - i);
      for (int64_t k = 0; k < count; ++k) z[k] = fn(x[k], y[k]);
    }
  });
}

template <typename T, typename R, typename Fn>
absl::Status RunBinary(KernelContext& ctx, Fn fn, double cost = kCheap) {
  Zip<T, R>(ctx.device, ctx.part(0), ctx.part(1), ctx.ForwardPart({0, 1}), fn, cost);
  return absl::OkStatus();
}

// For float32, float64 and, unless `Floats`, int32, int64, uint8. fn is generic.
template <bool Floats, typename Fn>
absl::Status Arithmetic(KernelContext& ctx, Fn fn, double cost = kCheap) {
  switch (ctx.dtype()) {
    case DType::kFloat32:
      return RunBinary<float, float>(ctx, fn, cost);
    case DType::kFloat64:
      return RunBinary<double, double>(ctx, fn, cost);
    default:
      break;
  }
  if constexpr (!Floats) {
    switch (ctx.dtype()) {
      case DType::kInt32:
        return RunBinary<int32_t, int32_t>(ctx, fn, cost);
      case DType::kInt64:
        return RunBinary<int64_t, int64_t>(ctx, fn, cost);
      case DType::kUint8:
        return RunBinary<uint8_t, uint8_t>(ctx, fn, cost);
      default:
        break;
    }
  }
  return UnsupportedDType(ctx.dtype());
}

// out[i] = fn(x[i]).
template <typename T, typename Fn>
absl::Status RunUnary(KernelContext& ctx, double cost, Fn fn) {
  Tensor& out = ctx.ForwardPart({0});
  const T* const x = ctx.part(0).data<T>();
  T* const y = out.mutable_data<T>();
  ctx.device.ParallelFor(out.num_elements(), cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = fn(x[i]);
  });
  return absl::OkStatus();
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_ELEMENTWISE_H_
