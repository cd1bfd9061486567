#include "proto/wire/encoding.h"

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>

#include "absl/strings/str_cat.h"

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

uint16_t ToFloat16(float x) {
  if (std::isfinite(x)) x = std::clamp(x, -65504.0F, 65504.0F);
  return std::bit_cast<uint16_t>(Eigen::half(x));
}

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

uint16_t ToBfloat16(float x, uint32_t random16) {
  if (!std::isfinite(x)) return std::bit_cast<uint16_t>(Eigen::bfloat16(x));
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t up = bits + random16;
  // Not from the largest finite value to infinity.
  const bool overflows = (up & 0x7f800000U) == 0x7f800000U;
  return static_cast<uint16_t>((overflows ? bits : up) >> 16);
}

void EncodeBfloat16(std::span<const float> from, std::byte* to, Rounding rounding) {
  if (rounding == Rounding::kNearest) {
    for (float x : from) {
      Store(to, std::bit_cast<uint16_t>(Eigen::bfloat16(x)));
      to += sizeof(uint16_t);
    }
    return;
  }
  const uint64_t seed = std::random_device{}() | uint64_t{std::random_device{}()} << 32;
  for (size_t i = 0; i < from.size(); ++i) {
    const uint64_t random = Mix(seed + i * 0x9e3779b97f4a7c15U);
    Store(to + i * sizeof(uint16_t), ToBfloat16(from[i], random & 0xffffU));
  }
}

void EncodeBlock(std::span<const float> from, std::byte* to) {
  float largest = 0;
  bool finite = true;
  for (float x : from) {
    largest = std::max(largest, std::fabs(x));
    finite = finite && std::isfinite(x);
  }
  float scale = finite ? largest / 127 : std::numeric_limits<float>::quiet_NaN();
  if (std::isinf(scale * 127)) scale = std::nextafter(scale, 0.0F);
  // So small that the division has no result.
  const float steps = finite && scale > 0 && std::isfinite(1 / scale) ? 1 / scale : 0;
  Store(to, scale);
  to += sizeof scale;
  for (float x : from) {
    const float step = finite ? std::clamp(std::nearbyint(x * steps), -127.0F, 127.0F) : 0;
    *to++ = static_cast<std::byte>(static_cast<int8_t>(step));
  }
}

void DecodeBlock(const std::byte* from, std::span<float> to) {
  const auto scale = Load<float>(from);
  from += sizeof scale;
  for (float& x : to) x = scale * static_cast<float>(static_cast<int8_t>(*from++));
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
  absl::StatusOr<Tensor> encoded =
      Tensor::TryAllocate(DType::kUint8, Shape{static_cast<int64_t>(*size)});
  if (!encoded.ok()) return encoded;
  std::byte* const to = encoded->mutable_raw();
  const std::span<const float> from = value.values<float>();
  switch (encoding) {
    case Encoding::kFloat16:
      for (size_t i = 0; i < from.size(); ++i) Store(to + 2 * i, ToFloat16(from[i]));
      break;
    case Encoding::kBfloat16:
      EncodeBfloat16(from, to, rounding);
      break;
    case Encoding::kInt8:
      for (size_t b = 0; b < Blocks(from.size()); ++b) {
        const size_t begin = b * kBlock;
        EncodeBlock(from.subspan(begin, std::min(kBlock, from.size() - begin)),
                    to + begin + b * sizeof(float));
      }
      break;
    case Encoding::kNone:
      std::memcpy(to, value.raw(), value.byte_size());
  }
  return encoded;
}

absl::StatusOr<Tensor> Decode(Encoding encoding, const Tensor& bytes, const Shape& shape) {
  absl::StatusOr<Tensor> decoded = Tensor::TryAllocate(DType::kFloat32, shape);
  if (!decoded.ok()) return decoded;
  const std::byte* const from = bytes.raw();
  const std::span<float> to = decoded->mutable_values<float>();
  switch (encoding) {
    case Encoding::kFloat16:
      for (size_t i = 0; i < to.size(); ++i) {
        to[i] = static_cast<float>(std::bit_cast<Eigen::half>(Load<uint16_t>(from + 2 * i)));
      }
      break;
    case Encoding::kBfloat16:
      for (size_t i = 0; i < to.size(); ++i) {
        to[i] = std::bit_cast<float>(uint32_t{Load<uint16_t>(from + 2 * i)} << 16);
      }
      break;
    case Encoding::kInt8:
      for (size_t b = 0; b < Blocks(to.size()); ++b) {
        const size_t begin = b * kBlock;
        DecodeBlock(from + begin + b * sizeof(float),
                    to.subspan(begin, std::min(kBlock, to.size() - begin)));
      }
      break;
    case Encoding::kNone:
      std::memcpy(decoded->mutable_raw(), from, bytes.byte_size());
  }
  return decoded;
}

}  // namespace varscope::wire
