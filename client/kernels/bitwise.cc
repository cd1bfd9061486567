#include "client/kernels/bitwise.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"

namespace varscope::internal::kernels {
namespace {

// Calls fn(TypeTag<T>) for a dtype whose bits kernels compute with.
template <typename Fn>
absl::Status OfIntegers(DType dtype, Fn fn) {
  if (dtype == DType::kInt32) return fn(TypeTag<int32_t>{});
  if (dtype == DType::kInt64) return fn(TypeTag<int64_t>{});
  if (dtype == DType::kUint8) return fn(TypeTag<uint8_t>{});
  return UnsupportedDType(dtype);
}

template <typename Fn>
absl::Status OfPairs(KernelContext& ctx, Fn fn) {
  return OfIntegers(ctx.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return RunBinary<T, T>(ctx, [fn](T x, T y) { return static_cast<T>(fn(x, y)); });
  });
}

// A number of places that is not undefined.
template <typename T>
int Places(T y) {
  constexpr int kMost = static_cast<int>(sizeof(T)) * 8 - 1;
  return static_cast<int>(std::clamp<int64_t>(y, 0, kMost));
}

}  // namespace

absl::Status BitwiseAnd(KernelContext& ctx) {
  return OfPairs(ctx, [](auto x, auto y) { return x & y; });
}
absl::Status BitwiseOr(KernelContext& ctx) {
  return OfPairs(ctx, [](auto x, auto y) { return x | y; });
}
absl::Status BitwiseXor(KernelContext& ctx) {
  return OfPairs(ctx, [](auto x, auto y) { return x ^ y; });
}
absl::Status Invert(KernelContext& ctx) {
  return OfIntegers(ctx.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return RunUnary<T>(ctx, kCheap, [](T x) { return static_cast<T>(~x); });
  });
}
absl::Status LeftShift(KernelContext& ctx) {
  return OfPairs(ctx, [](auto x, auto y) {
    return static_cast<std::make_unsigned_t<decltype(x)>>(x) << Places(y);
  });
}
absl::Status RightShift(KernelContext& ctx) {
  return OfPairs(ctx, [](auto x, auto y) { return x >> Places(y); });
}

}  // namespace varscope::internal::kernels
