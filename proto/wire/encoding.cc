#include "proto/wire/encoding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "absl/strings/str_cat.h"
#include "proto/concurrency/parallel.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/shape_rules.h"
#include "proto/wire/random.h"

namespace varscope::wire {
namespace {

constexpr size_t kBlock = 256;  // elements of kInt8 that share a scale

constexpr size_t Blocks(size_t n) { return (n + kBlock - 1) / kBlock; }

template <typename T>
void Store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

template <typename T>
T Load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

constexpr uint32_t kSign = 0x80000000U;
constexpr uint32_t kInfinity = 0x7f800000U;  // what is above is NaN

// What is finite stays so. It chooses between results instead of branching, so that compilers
// vectorize it.
uint16_t ToFloat16(float x) {
  constexpr uint32_t kLargest = 0x477fe000U;  // 65504
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t magnitude = bits & ~kSign;
  const uint32_t kept = magnitude < kInfinity ? std::min(magnitude, kLargest) : magnitude;
  return Float16(std::bit_cast<float>(kept | (bits & kSign))).bits;
}

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// Rounds up when what is cut off and `carry`, of 16 bits, have a carry, unless that overflows.
uint16_t ToBfloat16(float x, uint32_t carry) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t up = bits + carry;
  const bool finite = (bits & kInfinity) != kInfinity;
  const bool overflows = (up & kInfinity) == kInfinity;
  uint32_t result = finite && !overflows ? up : bits;
  // Else what makes it NaN might be cut off.
  result |= (bits & ~kSign) > kInfinity ? 0x400000U : 0;
  return static_cast<uint16_t>(result >> 16);
}

// A random number of 64 bits for each four elements, counted from `first`.
void EncodeBfloat16(std::span<const float> from, uint16_t* to, uint64_t seed, uint64_t first) {
  constexpr size_t kAtOnce = 256;
  std::array<uint64_t, kAtOnce / 4> random;
  std::array<uint16_t, kAtOnce> carries;
  for (size_t begin = 0; begin < from.size(); begin += kAtOnce) {
    for (size_t i = 0; i < random.size(); ++i) {
      random[i] = Mix(seed + ((first + begin) / 4 + i) * 0x9e3779b97f4a7c15U);
    }
    std::memcpy(carries.data(), random.data(), sizeof carries);
    const size_t n = std::min(kAtOnce, from.size() - begin);
    for (size_t i = 0; i < n; ++i) {
      to[begin + i] = ToBfloat16(from[begin + i], carries[i]);
    }
  }
}

void EncodeBlock(std::span<const float> from, std::byte* to) {
  // Of what is not negative, the bits are in the order of the values.
  uint32_t magnitude = 0;
  for (float x : from) magnitude = std::max(magnitude, std::bit_cast<uint32_t>(x) & ~kSign);
  const bool finite = magnitude < kInfinity;
  const auto largest = std::bit_cast<float>(magnitude);
  float scale = finite ? largest / 127 : std::numeric_limits<float>::quiet_NaN();
  if (std::isinf(scale * 127)) scale = std::nextafter(scale, 0.0F);
  Store(to, scale);
  to += sizeof scale;
  // So small that the division has no result.
  const bool representable = finite && scale > 0 && std::isfinite(1 / scale);
  if (!representable) {
    std::memset(to, 0, from.size());
    return;
  }
  // Where floats are whole numbers, so that the addition rounds to the nearest, even one.
  constexpr float kWhole = 0x1.8p23F;
  const float steps = 1 / scale;
  for (size_t i = 0; i < from.size(); ++i) {
    const int32_t step =
        std::bit_cast<int32_t>(from[i] * steps + kWhole) - std::bit_cast<int32_t>(kWhole);
    to[i] = static_cast<std::byte>(std::clamp(step, -127, 127));
  }
}

void DecodeBlock(const std::byte* from, std::span<float> to) {
  const auto scale = Load<float>(from);
  from += sizeof scale;
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = scale * static_cast<float>(static_cast<int8_t>(from[i]));
  }
}

// Elements that are worth a thread.
constexpr size_t kGrain = size_t{1} << 16;

// Calls fn(block, begin, count) for each block of kInt8.
template <typename Fn>
void ForEachBlock(size_t n, const Fn& fn) {
  ParallelFor(Blocks(n), kGrain / kBlock, [&](size_t first, size_t last) {
    for (size_t b = first; b < last; ++b) fn(b, b * kBlock, std::min(kBlock, n - b * kBlock));
  });
}

}  // namespace

absl::StatusOr<uint64_t> EncodedSize(Encoding encoding, DType dtype, const Shape& shape) {
  absl::StatusOr<uint64_t> bytes = ByteSize(dtype, shape);
  if (!bytes.ok() || encoding == Encoding::kNone) return bytes;
  if (dtype != DType::kFloat32) {
    return absl::InvalidArgumentError(absl::StrCat(Name(dtype), " has no encoding"));
  }
  const uint64_t n = *bytes / sizeof(float);
  switch (encoding) {
    case Encoding::kFloat16:
    case Encoding::kBfloat16:
      return n * sizeof(uint16_t);
    case Encoding::kInt8:
      return n + Blocks(n) * sizeof(float);
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("there is no encoding ", static_cast<int>(encoding)));
  }
}

absl::StatusOr<Tensor> Encode(Encoding encoding, const Tensor& value, Rounding rounding) {
  const absl::StatusOr<uint64_t> size = EncodedSize(encoding, value.dtype(), value.shape());
  if (!size.ok()) return size.status();
  absl::StatusOr<Tensor> encoded = TryAllocate(DType::kUint8, Shape{static_cast<int64_t>(*size)});
  if (!encoded.ok()) return encoded;
  std::byte* const bytes = encoded->mutable_raw();
  auto* const to = encoded->mutable_data<uint16_t>();
  const std::span<const float> from = value.values<float>();
  switch (encoding) {
    case Encoding::kFloat16:
      ParallelFor(from.size(), kGrain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) to[i] = ToFloat16(from[i]);
      });
      break;
    case Encoding::kBfloat16: {
      const uint64_t seed = rounding == Rounding::kStochastic ? Random64() : 0;
      ParallelFor(from.size(), kGrain, [&](size_t begin, size_t end) {
        if (rounding == Rounding::kStochastic) {
          return EncodeBfloat16(from.subspan(begin, end - begin), to + begin, seed, begin);
        }
        for (size_t i = begin; i < end; ++i) to[i] = Bfloat16(from[i]).bits;
      });
      break;
    }
    case Encoding::kInt8:
      ForEachBlock(from.size(), [&](size_t block, size_t begin, size_t n) {
        EncodeBlock(from.subspan(begin, n), bytes + begin + block * sizeof(float));
      });
      break;
    case Encoding::kNone:
      std::memcpy(bytes, value.raw(), value.byte_size());
  }
  return encoded;
}

absl::StatusOr<Tensor> Decode(Encoding encoding, const Tensor& bytes, const Shape& shape) {
  absl::StatusOr<Tensor> decoded = TryAllocate(DType::kFloat32, shape);
  if (!decoded.ok()) return decoded;
  const auto* const from = bytes.data<uint16_t>();
  const std::span<float> to = decoded->mutable_values<float>();
  switch (encoding) {
    case Encoding::kFloat16:
      ParallelFor(to.size(), kGrain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) to[i] = Float16::FromBits(from[i]);
      });
      break;
    case Encoding::kBfloat16:
      ParallelFor(to.size(), kGrain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) to[i] = Bfloat16::FromBits(from[i]);
      });
      break;
    case Encoding::kInt8:
      ForEachBlock(to.size(), [&](size_t block, size_t begin, size_t n) {
        DecodeBlock(bytes.raw() + begin + block * sizeof(float), to.subspan(begin, n));
      });
      break;
    case Encoding::kNone:
      std::memcpy(decoded->mutable_raw(), bytes.raw(), bytes.byte_size());
  }
  return decoded;
}

}  // namespace varscope::wire
