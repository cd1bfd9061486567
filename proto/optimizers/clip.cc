#include "proto/optimizers/clip.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/tensor/allocate.h"

namespace varscope::optimizers {
namespace {

template <typename Fn>
void ForEachFloat(Tensor& tensor, Fn&& fn) {
  VisitGradient(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& x : tensor.mutable_values<T>()) x = static_cast<T>(fn(x));
  });
}

absl::Status MakeUnique(std::span<Tensor* const> gradients) {
  absl::Status status;
  for (Tensor* gradient : gradients) status.Update(TryMakeUnique(*gradient));
  return status;
}

// Of the elements, each times `scale`.
double SquaresOf(const Tensor& tensor, double scale) {
  double squares = 0;
  const auto add = [&](double x) { squares += (x * scale) * (x * scale); };
  VisitGradient(tensor.dtype(), [&](auto tag) {
    for (const auto x : tensor.values<typename decltype(tag)::type>()) add(x);
  });
  return squares;
}

double NormOf(std::span<Tensor* const> gradients, double scale) {
  double squares = 0;
  for (const Tensor* gradient : gradients) squares += SquaresOf(*gradient, scale);
  return std::sqrt(squares);
}

// What brings all of them together to the norm `clip_norm`; at most 1.
double FactorFor(std::span<Tensor* const> gradients, double clip_norm) {
  // The squares of float64 gradients may be infinite where the gradients are not.
  constexpr double kScale = 0x1p-600;
  const double norm = NormOf(gradients, 1);
  const double factor =
      std::isfinite(norm) ? clip_norm / norm : clip_norm * kScale / NormOf(gradients, kScale);
  return factor > 1 ? 1 : factor;
}

}  // namespace

absl::Status Clip(std::span<Tensor* const> gradients, double clip_value, double clip_norm) {
  for (const Tensor* gradient : gradients) {
    if (TakesGradients(gradient->dtype())) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("a gradient is float32 or float64, not ", Name(gradient->dtype())));
  }
  if (clip_value > 0) {
    if (absl::Status status = MakeUnique(gradients); !status.ok()) return status;
    for (Tensor* gradient : gradients) {
      ForEachFloat(*gradient, [&](double x) { return std::clamp(x, -clip_value, clip_value); });
    }
  }
  if (clip_norm <= 0) return absl::OkStatus();
  const double factor = FactorFor(gradients, clip_norm);
  if (factor == 1) return absl::OkStatus();
  if (absl::Status status = MakeUnique(gradients); !status.ok()) return status;
  for (Tensor* gradient : gradients) {
    ForEachFloat(*gradient, [&](double x) { return x * factor; });
  }
  return absl::OkStatus();
}

absl::Status CheckClip(double clip_value, double clip_norm) {
  for (const auto& [what, limit] :
       {std::pair("clip_value", clip_value), std::pair("clip_norm", clip_norm)}) {
    if (limit >= 0 && std::isfinite(limit)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(what, " is ", limit, ", expected 0 (none) or a finite number above it"));
  }
  return absl::OkStatus();
}

}  // namespace varscope::optimizers
