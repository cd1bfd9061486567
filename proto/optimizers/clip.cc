#include "proto/optimizers/clip.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace varscope::optimizers {
namespace {

template <typename Fn>
void ForEachFloat(Tensor& tensor, Fn&& fn) {
  tensor.MakeUnique();
  VisitFloating(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& x : tensor.mutable_values<T>()) x = static_cast<T>(fn(x));
  });
}

double SquaresOf(const Tensor& tensor) {
  double squares = 0;
  VisitFloating(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T x : tensor.values<T>()) squares += static_cast<double>(x) * x;
  });
  return squares;
}

}  // namespace

absl::Status Clip(std::span<Tensor* const> gradients, double clip_value, double clip_norm) {
  for (const Tensor* gradient : gradients) {
    if (IsFloating(gradient->dtype())) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("a gradient is float32 or float64, not ", Name(gradient->dtype())));
  }
  if (clip_value > 0) {
    for (Tensor* gradient : gradients) {
      ForEachFloat(*gradient, [&](double x) { return std::clamp(x, -clip_value, clip_value); });
    }
  }
  if (clip_norm <= 0) return absl::OkStatus();
  double squares = 0;
  for (const Tensor* gradient : gradients) squares += SquaresOf(*gradient);
  const double norm = std::sqrt(squares);
  if (norm <= clip_norm) return absl::OkStatus();
  for (Tensor* gradient : gradients) {
    ForEachFloat(*gradient, [&](double x) { return x * clip_norm / norm; });
  }
  return absl::OkStatus();
}

}  // namespace varscope::optimizers
