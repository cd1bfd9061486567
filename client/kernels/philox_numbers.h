// Uniform and normal numbers of Philox's blocks, with TensorFlow's bits.
#ifndef VARSCOPE_CLIENT_KERNELS_PHILOX_NUMBERS_H_
#define VARSCOPE_CLIENT_KERNELS_PHILOX_NUMBERS_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <utility>

#include "client/kernels/philox.h"

namespace varscope::internal {

// The op's stream, where this run begins.
Philox StreamOf(KernelContext& ctx);

// In [0, 1): the mantissa of a number in [1, 2).
inline float ToFloat(uint32_t bits) {
  return std::bit_cast<float>(uint32_t{127} << 23 | (bits & 0x7fffff)) - 1.0F;
}
inline double ToDouble(uint32_t high, uint32_t low) {
  const uint64_t mantissa = uint64_t{high & 0xfffff} << 32 | low;
  return std::bit_cast<double>(uint64_t{1023} << 52 | mantissa) - 1.0;
}

// Box and Muller's two normal numbers of two uniform ones.
inline std::pair<float, float> BoxMuller(float first, float second) {
  const float u = std::max(first, 1.0e-7F);
  const auto angle = static_cast<float>(2.0F * M_PI * second);
  const float radius = std::sqrt(-2.0F * std::log(u));
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}
inline std::pair<double, double> BoxMuller(double first, double second) {
  const double u = std::max(first, 1.0e-7);
  const double angle = 2 * M_PI * second;
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}

// How many numbers of a type a block gives.
template <typename T>
inline constexpr int kOfABlock = sizeof(T) == 8 ? 2 : 4;

template <typename T>
void Uniform(const Philox::Block& block, T* out) {
  for (int i = 0; i < kOfABlock<T>; ++i) {
    if constexpr (sizeof(T) == 4) {
      out[i] = ToFloat(block[i]);
    } else {
      out[i] = ToDouble(block[2 * i], block[2 * i + 1]);
    }
  }
}

template <typename T>
void Normal(const Philox::Block& block, T* out) {
  T uniform[kOfABlock<T>];
  Uniform(block, uniform);
  for (int i = 0; i < kOfABlock<T>; i += 2) {
    std::tie(out[i], out[i + 1]) = BoxMuller(uniform[i], uniform[i + 1]);
  }
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_PHILOX_NUMBERS_H_
