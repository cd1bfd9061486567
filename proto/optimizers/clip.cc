#include "proto/optimizers/clip.h"

#include <algorithm>
#include <cmath>

namespace varscope::optimizers {
namespace {

template <typename Fn>
void ForEachFloat(Tensor& tensor, Fn&& fn) {
  tensor.MakeUnique();
  if (tensor.dtype() == DType::kFloat32) {
    for (float& x : tensor.mutable_values<float>()) x = static_cast<float>(fn(x));
  } else {
    for (double& x : tensor.mutable_values<double>()) x = fn(x);
  }
}

double SquaresOf(const Tensor& tensor) {
  double squares = 0;
  if (tensor.dtype() == DType::kFloat32) {
    for (float x : tensor.values<float>()) squares += static_cast<double>(x) * x;
  } else {
    for (double x : tensor.values<double>()) squares += x * x;
  }
  return squares;
}

}  // namespace

void Clip(std::span<Tensor* const> gradients, double clip_value, double clip_norm) {
  if (clip_value > 0) {
    for (Tensor* gradient : gradients) {
      ForEachFloat(*gradient, [&](double x) { return std::clamp(x, -clip_value, clip_value); });
    }
  }
  if (clip_norm <= 0) return;
  double squares = 0;
  for (const Tensor* gradient : gradients) squares += SquaresOf(*gradient);
  const double norm = std::sqrt(squares);
  if (norm <= clip_norm) return;
  for (Tensor* gradient : gradients) {
    ForEachFloat(*gradient, [&](double x) { return x * clip_norm / norm; });
  }
}

}  // namespace varscope::optimizers
