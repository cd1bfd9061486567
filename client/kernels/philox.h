// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC
// 2011), keyed and counted as TensorFlow's, and what it makes of its numbers.
#ifndef VARSCOPE_CLIENT_KERNELS_PHILOX_H_
#define VARSCOPE_CLIENT_KERNELS_PHILOX_H_

#include <array>
#include <cstdint>

#include "client/kernels/context.h"

namespace varscope::internal {

// A stream of blocks of 128 bits.
class Philox {
 public:
  using Block = std::array<uint32_t, 4>;

  Philox(uint64_t seed, uint64_t stream)
      : key_{Low(seed), High(seed)}, counter_{0, 0, Low(stream), High(stream)} {}

  // Passes over that many blocks.
  void Skip(uint64_t blocks) {
    const uint64_t low = counter_[0] | uint64_t{counter_[1]} << 32;
    const uint64_t sum = low + blocks;
    counter_[0] = Low(sum);
    counter_[1] = High(sum);
    if (sum < low && ++counter_[2] == 0) ++counter_[3];
  }

  Block Next() {
    Block block = counter_;
    std::array<uint32_t, 2> key = key_;
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * block[0];
      const uint64_t b = uint64_t{0xCD9E8D57} * block[2];
      block = {High(b) ^ block[1] ^ key[0], Low(b), High(a) ^ block[3] ^ key[1], Low(a)};
      key[0] += 0x9E3779B9;
      key[1] += 0xBB67AE85;
    }
    Skip(1);
    return block;
  }

 private:
  static uint32_t Low(uint64_t x) { return static_cast<uint32_t>(x); }
  static uint32_t High(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

  std::array<uint32_t, 2> key_;
  Block counter_;
};

// How many blocks a run of an op sets aside for itself: for each element of a result, and for
// random_shuffle of `rows`.
inline constexpr uint64_t kBlocksOfAnElement = 256;
uint64_t BlocksOfShuffle(int64_t rows);

// Each of these ops has as its last input where its stream is: uint64, the blocks that its earlier
// runs have set aside. With the attributes seed and seed2 both 0 it draws a seed from the system.
namespace kernels {

// (shape, position).
absl::Status PhiloxUniform(KernelContext&);
absl::Status PhiloxNormal(KernelContext&);
absl::Status PhiloxTruncatedNormal(KernelContext&);
// (shape, minval, maxval, position).
absl::Status PhiloxUniformInt(KernelContext&);
// (shape, alpha, position) and (shape, rate, position), rejection.cc.
absl::Status PhiloxGamma(KernelContext&);
absl::Status PhiloxPoisson(KernelContext&);
// (alpha, sample): how the sample, of a gamma distribution, changes with alpha. No stream.
absl::Status GammaSlope(KernelContext&);
// (x, position).
absl::Status RandomShuffle(KernelContext&);
// (logits, number of samples, position).
absl::Status Multinomial(KernelContext&);

}  // namespace kernels
}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_PHILOX_H_
