// Elements by what they are: their places in rows that are in order, and those that another vector
// has not.
#include <algorithm>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/indexing.h"

namespace varscope::internal::kernels {
namespace {

// Numbers of int32 or int64.
template <typename Fn>
void GiveAll(Tensor& out, Fn number_at) {
  const auto give = [&](auto* to) {
    for (int64_t i = 0; i < out.num_elements(); ++i) {
      to[i] = static_cast<std::remove_pointer_t<decltype(to)>>(number_at(i));
    }
  };
  if (out.dtype() == DType::kInt32) {
    give(out.mutable_data<int32_t>());
  } else {
    give(out.mutable_data<int64_t>());
  }
}

}  // namespace

// (sorted, values).
absl::Status SearchSorted(KernelContext& ctx) {
  const Tensor& sorted = ctx.in(0);
  const Tensor& values = ctx.in(1);
  const int64_t n = sorted.shape().dim(-1);
  const int64_t wanted = values.shape().dim(-1);
  const bool right = ctx.attrs.flag("right");
  Tensor& out = ctx.Allocate();
  return VisitComputed(sorted.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    GiveAll(out, [&](int64_t i) {
      const T* const row = sorted.data<T>() + i / wanted * n;
      const T value = values.data<T>()[i];
      return (right ? std::upper_bound(row, row + n, value)
                    : std::lower_bound(row, row + n, value)) -
             row;
    });
  });
}

// (x, y).
absl::Status ListDiff(KernelContext& ctx) {
  const Tensor& x = ctx.in(0);
  const Tensor& y = ctx.in(1);
  return VisitComputed(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::unordered_set<T> known(y.data<T>(), y.data<T>() + y.num_elements());
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      if (!known.contains(x.data<T>()[i])) kept.push_back(i);
    }
    const Shape shape{static_cast<int64_t>(kept.size())};
    Tensor out(x.dtype(), shape);
    for (size_t i = 0; i < kept.size(); ++i) out.mutable_data<T>()[i] = x.data<T>()[kept[i]];
    Tensor places(ctx.dtype(1), shape);
    GiveAll(places, [&](int64_t i) { return kept[i]; });
    ctx.Find(0, std::move(out));
    ctx.Find(1, std::move(places));
  });
}

}  // namespace varscope::internal::kernels
