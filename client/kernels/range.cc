#include "client/kernels/range.h"

#include <utility>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/indexing.h"

namespace varscope::internal::kernels {
namespace {

template <typename T>
absl::Status RangeOf(KernelContext& ctx) {
  const T start = ctx.in(0).scalar<T>();
  const T delta = ctx.in(2).scalar<T>();
  const absl::StatusOr<int64_t> count = CountOfRange<T>(start, ctx.in(1).scalar<T>(), delta);
  if (!count.ok()) return count.status();
  Tensor out(ctx.dtype(), Shape{*count});
  T value = start;
  for (T& x : out.mutable_values<T>()) {
    x = value;
    value = Wrapping(value, delta, [](auto a, auto b) { return a + b; });
  }
  ctx.Find(0, std::move(out));
  return absl::OkStatus();
}

}  // namespace

absl::Status Range(KernelContext& ctx) {
  switch (ctx.dtype()) {
    case DType::kInt32:
      return RangeOf<int32_t>(ctx);
    case DType::kInt64:
      return RangeOf<int64_t>(ctx);
    case DType::kFloat32:
      return RangeOf<float>(ctx);
    case DType::kFloat64:
      return RangeOf<double>(ctx);
    default:
      return UnsupportedDType(ctx.dtype());
  }
}

}  // namespace varscope::internal::kernels
