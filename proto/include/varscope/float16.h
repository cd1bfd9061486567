// Elements of 16 bits: float16 and bfloat16. They hold bits and convert to float32 and back;
// arithmetic with them is float32's. Values; default-constructed ones are uninitialized. All
// functions are pure and thread-safe. std::numeric_limits has the members that a format needs, not
// all of the standard's.
#ifndef VARSCOPE_FLOAT16_H_
#define VARSCOPE_FLOAT16_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

namespace varscope {

// The conversions choose between results instead of branching, so that compilers vectorize them.

// IEEE 754 binary16: 5 bits of exponent, 11 of precision.
struct Float16 {
  uint16_t bits;

  Float16() = default;
  // To nearest even. 65520 and above become infinity, as in TensorFlow and NumPy. The two cases
  // after F. Giesen, "float->half variants" (2012): a carry from the part that is cut off rounds
  // normal numbers, the addition of 0.5 lets the processor round those that are subnormal in 16
  // bits.
  explicit constexpr Float16(float x) : bits(0) {
    constexpr uint32_t kSmallestNormal = 113U << 23;  // 2^-14
    constexpr uint32_t kBeyond = 0x47800000U;         // 65536, which rounds to infinity
    constexpr uint32_t kRebias = (127U - 15U) << 23;
    const uint32_t sign = std::bit_cast<uint32_t>(x) & 0x80000000U;
    const uint32_t magnitude = std::bit_cast<uint32_t>(x) ^ sign;
    const uint32_t clamped = std::min(magnitude, kBeyond);
    const uint32_t normal = (clamped - kRebias + 0xfffU + ((clamped >> 13) & 1U)) >> 13;
    const uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(clamped) + 0.5F) -
                               std::bit_cast<uint32_t>(0.5F);
    uint32_t result = clamped < kSmallestNormal ? subnormal : normal;
    result = magnitude > 0x7f800000U ? 0x7e00U : result;  // NaN
    bits = static_cast<uint16_t>(result | sign >> 16);
  }
  // Exact. Implicit, so that an expression with one is float32's.
  constexpr operator float() const {
    constexpr uint32_t kExponent = 0x7c00U << 13;
    constexpr uint32_t kRebias = (127U - 15U) << 23;
    const uint32_t shifted = (bits & 0x7fffU) << 13;
    const uint32_t exponent = shifted & kExponent;
    const uint32_t normal = shifted + kRebias;
    // One more in the exponent, and that 2^-14 is taken away again.
    const uint32_t subnormal =
        std::bit_cast<uint32_t>(std::bit_cast<float>(normal + (1U << 23)) - 0x1p-14F);
    uint32_t result = exponent == 0 ? subnormal : normal;
    result = exponent == kExponent ? normal + kRebias : result;
    return std::bit_cast<float>(result | (bits & 0x8000U) << 16);
  }
  // Returns the element with these bits.
  static constexpr Float16 FromBits(uint16_t bits) { return std::bit_cast<Float16>(bits); }
};

// The upper half of a float32: its range, 8 bits of precision.
struct Bfloat16 {
  uint16_t bits;

  Bfloat16() = default;
  // To nearest even; what rounds beyond the largest becomes infinity.
  explicit constexpr Bfloat16(float x) : bits(0) {
    const auto given = std::bit_cast<uint32_t>(x);
    const uint32_t rounded = given + 0x7fffU + ((given >> 16) & 1U);
    const bool nan = (given & 0x7fffffffU) > 0x7f800000U;
    // Else what makes it NaN might be cut off.
    bits = static_cast<uint16_t>((nan ? given | 0x400000U : rounded) >> 16);
  }
  // Exact. Implicit, so that an expression with one is float32's.
  constexpr operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
  // Returns the element with these bits.
  static constexpr Bfloat16 FromBits(uint16_t bits) { return std::bit_cast<Bfloat16>(bits); }
};

namespace internal {

template <typename T, int kDigits, uint16_t kMin, uint16_t kMax, uint16_t kInfinity, uint16_t kNan>
struct Limits16 {
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = true;
  static constexpr bool is_integer = false;
  static constexpr bool has_infinity = true;
  static constexpr bool has_quiet_NaN = true;
  static constexpr int digits = kDigits;  // of the mantissa, with the one that is not stored
  static constexpr T min() { return T::FromBits(kMin); }
  static constexpr T max() { return T::FromBits(kMax); }
  static constexpr T lowest() { return T::FromBits(kMax | 0x8000U); }
  static constexpr T denorm_min() { return T::FromBits(1); }
  static constexpr T infinity() { return T::FromBits(kInfinity); }
  static constexpr T quiet_NaN() { return T::FromBits(kNan); }
};

}  // namespace internal
}  // namespace varscope

template <>
struct std::numeric_limits<varscope::Float16>
    : varscope::internal::Limits16<varscope::Float16, 11, 0x0400, 0x7bff, 0x7c00, 0x7e00> {};
template <>
struct std::numeric_limits<varscope::Bfloat16>
    : varscope::internal::Limits16<varscope::Bfloat16, 8, 0x0080, 0x7f7f, 0x7f80, 0x7fc0> {};

#endif  // VARSCOPE_FLOAT16_H_
