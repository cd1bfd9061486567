// Philox4x32-10, the counter-based random generator of Salmon, Moraes, Dror and Shaw, "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011. Draw i depends on (seed, i) alone, so values are
// reproducible in any order and on any number of threads.
#ifndef VARSCOPE_SERVER_CATALOG_PHILOX_H_
#define VARSCOPE_SERVER_CATALOG_PHILOX_H_

#include <array>
#include <cmath>
#include <cstdint>

#include "proto/tensor/portable_math.h"

namespace varscope::server {

class Philox {
 public:
  explicit Philox(uint64_t seed) : seed_(seed) {}

  // Four independent 32-bit words for (stream, index).
  std::array<uint32_t, 4> Words(uint64_t index, uint64_t stream = 0) const {
    std::array<uint32_t, 4> c = {Low(index), High(index), Low(stream), High(stream)};
    uint32_t k0 = Low(seed_);
    uint32_t k1 = High(seed_);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53} * c[0];
      const uint64_t p1 = uint64_t{0xCD9E8D57} * c[2];
      c = {High(p1) ^ c[1] ^ k0, Low(p1), High(p0) ^ c[3] ^ k1, Low(p0)};
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    return c;
  }

  // Uniform in [0, 1) with 53 bits.
  double Uniform(uint64_t index) const {
    const std::array<uint32_t, 4> w = Words(index);
    return static_cast<double>((uint64_t{w[0]} << 32 | w[1]) >> 11) * 0x1.0p-53;
  }

  // Standard normal, by Box and Muller; `attempt` gives further draws of the same index.
  double Normal(uint64_t index, uint64_t attempt = 0) const {
    const std::array<uint32_t, 4> w = Words(index, attempt + 1);
    const double u = (w[0] + 1.0) * 0x1.0p-32;  // in (0, 1]
    const double v = w[1] * 0x1.0p-32;
    return std::sqrt(-2 * PortableLog(u)) * PortableCosOfTurns(v);
  }

  // Standard normal, redrawn while beyond two deviations.
  double TruncatedNormal(uint64_t index) const {
    for (uint64_t attempt = 0;; ++attempt) {
      const double x = Normal(index, attempt);
      if (std::abs(x) < 2) return x;
    }
  }

 private:
  static uint32_t Low(uint64_t x) { return static_cast<uint32_t>(x); }
  static uint32_t High(uint64_t x) { return static_cast<uint32_t>(x >> 32); }
  const uint64_t seed_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_PHILOX_H_
