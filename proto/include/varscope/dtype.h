// Element types that a tensor can have, on the wire and in memory.
#ifndef VARSCOPE_DTYPE_H_
#define VARSCOPE_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace varscope {

// Values equal varscope.v1.DType; they are part of the wire contract.
enum class DType : uint8_t {
  kInvalid = 0,
  kFloat32 = 1,
  kFloat64 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kBool = 5,
  kUint8 = 6,
};

// Bytes of one element; 0 for kInvalid.
size_t SizeOf(DType dtype);

// TensorFlow's name: "float32". "invalid" for kInvalid.
const std::string& Name(DType dtype);

// Nothing for a name that is no dtype's.
std::optional<DType> ParseDType(const std::string& name);

constexpr bool IsFloating(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64;
}

template <typename T>
inline constexpr DType kDTypeOf = DType::kInvalid;
template <>
inline constexpr DType kDTypeOf<float> = DType::kFloat32;
template <>
inline constexpr DType kDTypeOf<double> = DType::kFloat64;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::kInt32;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::kInt64;
template <>
inline constexpr DType kDTypeOf<bool> = DType::kBool;
template <>
inline constexpr DType kDTypeOf<uint8_t> = DType::kUint8;

template <typename T>
struct TypeTag {
  using type = T;
};

// Calls fn(TypeTag<T>{}) with the C++ type of float32 and float64; returns false, without a call,
// for every other dtype.
template <typename Fn>
bool VisitFloating(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kFloat32:
      fn(TypeTag<float>{});
      return true;
    case DType::kFloat64:
      fn(TypeTag<double>{});
      return true;
    default:
      return false;
  }
}

// The same for every valid `dtype`; returns false for kInvalid.
template <typename Fn>
bool VisitDType(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kFloat32:
    case DType::kFloat64:
      return VisitFloating(dtype, fn);
    case DType::kInt32:
      fn(TypeTag<int32_t>{});
      return true;
    case DType::kInt64:
      fn(TypeTag<int64_t>{});
      return true;
    case DType::kBool:
      fn(TypeTag<bool>{});
      return true;
    case DType::kUint8:
      fn(TypeTag<uint8_t>{});
      return true;
    case DType::kInvalid:
      return false;
  }
  return false;
}

}  // namespace varscope

#endif  // VARSCOPE_DTYPE_H_
