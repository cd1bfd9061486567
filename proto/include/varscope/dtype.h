// Element types that a tensor can have: in memory, on the wire, in files. All functions here are
// pure and thread-safe, and throw nothing (the Visit functions: what `fn` throws).
#ifndef VARSCOPE_DTYPE_H_
#define VARSCOPE_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

#include "varscope/float16.h"

// All that is known of each dtype, in the order of the numbers, from 1 on. One more is one line
// here and one member of varscope.v1.DType.
//   number       of varscope.v1.DType: part of the wire and disk formats
//   message      its name there is DT_<message>
//   enumerator   DType::<enumerator>
//   type         C++'s, of an element
//   constant     varscope::<constant>, which programs write
//   name         TensorFlow's and NumPy's
//   npy          in .npy headers, after the order of the bytes; NumPy has no bfloat16, and writes
//                those of ml_dtypes (JAX, TensorFlow) as V2: bytes without a meaning
//   safetensors  in .safetensors headers
//   tensorflow   of tensorflow.DataType, in TensorFlow's checkpoints
// clang-format off
#define VARSCOPE_DTYPES(X)                                                                        \
  /* number message enumerator type constant name npy safetensors tensorflow */                   \
  X(1,  FLOAT32,  kFloat32,  float,    float32,  "float32",  "f4", "F32",  1)                     \
  X(2,  FLOAT64,  kFloat64,  double,   float64,  "float64",  "f8", "F64",  2)                     \
  X(3,  INT32,    kInt32,    int32_t,  int32,    "int32",    "i4", "I32",  3)                     \
  X(4,  INT64,    kInt64,    int64_t,  int64,    "int64",    "i8", "I64",  9)                     \
  X(5,  BOOL,     kBool,     bool,     bool_,    "bool",     "b1", "BOOL", 10)                    \
  X(6,  UINT8,    kUint8,    uint8_t,  uint8,    "uint8",    "u1", "U8",   4)                     \
  X(7,  FLOAT16,  kFloat16,  Float16,  float16,  "float16",  "f2", "F16",  19)                    \
  X(8,  BFLOAT16, kBfloat16, Bfloat16, bfloat16, "bfloat16", "V2", "BF16", 14)                    \
  X(9,  INT8,     kInt8,     int8_t,   int8,     "int8",     "i1", "I8",   6)                     \
  X(10, INT16,    kInt16,    int16_t,  int16,    "int16",    "i2", "I16",  5)                     \
  X(11, UINT16,   kUint16,   uint16_t, uint16,   "uint16",   "u2", "U16",  17)                    \
  X(12, UINT32,   kUint32,   uint32_t, uint32,   "uint32",   "u4", "U32",  22)                    \
  X(13, UINT64,   kUint64,   uint64_t, uint64,   "uint64",   "u8", "U64",  23)
// clang-format on

namespace varscope {

#define VARSCOPE_ENUMERATOR(number, message, enumerator, ...) enumerator = number,
// TensorFlow's tf.DType. kInvalid is that of an undefined tensor.
enum class DType : uint8_t { kInvalid = 0, VARSCOPE_DTYPES(VARSCOPE_ENUMERATOR) };
#undef VARSCOPE_ENUMERATOR

// The names that programs write: float32, bool_, ...
#define VARSCOPE_CONSTANT(number, message, enumerator, type, constant, ...) \
  inline constexpr DType constant = DType::enumerator;
VARSCOPE_DTYPES(VARSCOPE_CONSTANT)
#undef VARSCOPE_CONSTANT

// A line of the table. Texts live as long as the program.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): thirteen lines, in a reader's order
struct DTypeInfo {
  DType dtype;
  size_t size;  // bytes of one element
  bool floating;
  bool integer;  // not bool
  bool is_signed;
  const char* name;
  const char* npy;
  const char* safetensors;
  int tensorflow;
};

#define VARSCOPE_INFO(number, message, enumerator, type, constant, name, npy, safetensors, tf) \
  {DType::enumerator,                                                                          \
   sizeof(type),                                                                               \
   !std::numeric_limits<type>::is_integer,                                                     \
   std::numeric_limits<type>::is_integer && !std::is_same_v<type, bool>,                       \
   std::numeric_limits<type>::is_signed,                                                       \
   name,                                                                                       \
   npy,                                                                                        \
   safetensors,                                                                                \
   tf},
inline constexpr DTypeInfo kDTypes[] = {VARSCOPE_DTYPES(VARSCOPE_INFO)};
#undef VARSCOPE_INFO

// Returns false for kInvalid, and for a number that is no dtype's.
constexpr bool IsDType(DType dtype) {
  return dtype != DType::kInvalid && static_cast<size_t>(dtype) <= std::size(kDTypes);
}

// Returns the dtype's line of the table. Requires IsDType(dtype).
constexpr const DTypeInfo& InfoOf(DType dtype) { return kDTypes[static_cast<size_t>(dtype) - 1]; }

namespace internal {
consteval bool DTypesAreInOrder() {
  for (size_t i = 0; i < std::size(kDTypes); ++i) {
    if (static_cast<size_t>(kDTypes[i].dtype) != i + 1) return false;
  }
  return true;
}
static_assert(DTypesAreInOrder());
}  // namespace internal

// Returns the bytes of one element; 0 for kInvalid, and for what is no dtype.
constexpr size_t SizeOf(DType dtype) { return IsDType(dtype) ? InfoOf(dtype).size : 0; }

// Returns TensorFlow's name: "float32"; "invalid" for kInvalid, and for what is no dtype. The text
// lives as long as the program.
const std::string& Name(DType dtype);

// Returns the dtype of that name; nothing for one that is no dtype's.
std::optional<DType> ParseDType(const std::string& name);

// These return false for kInvalid, and for what is no dtype.
//
// Whether it has fractions, NaN and infinities: float64, float32, float16, bfloat16.
constexpr bool IsFloating(DType dtype) { return IsDType(dtype) && InfoOf(dtype).floating; }

// A number without fractions: all others but bool.
constexpr bool IsInteger(DType dtype) { return IsDType(dtype) && InfoOf(dtype).integer; }

// Whether gradients can have it, and so the variables that optimizers update.
constexpr bool TakesGradients(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64;
}

// Whether tensors of it number rows, as TensorFlow's do.
constexpr bool IsIndex(DType dtype) { return dtype == DType::kInt32 || dtype == DType::kInt64; }

// The dtype of a C++ type; kInvalid for one that no dtype has, such as long long.
template <typename T>
inline constexpr DType kDTypeOf = DType::kInvalid;
#define VARSCOPE_DTYPE_OF(number, message, enumerator, type, ...) \
  template <>                                                     \
  inline constexpr DType kDTypeOf<type> = DType::enumerator;
VARSCOPE_DTYPES(VARSCOPE_DTYPE_OF)
#undef VARSCOPE_DTYPE_OF

// A C++ type as a value: typename decltype(tag)::type.
template <typename T>
struct TypeTag {
  using type = T;
};

// Each of these calls fn(TypeTag<T>{}) with one type and returns true; for every other dtype it
// returns false without a call. The fewer the types, the less code is made.

// The C++ type of every dtype.
template <typename Fn>
bool VisitDType(DType dtype, Fn&& fn) {
#define VARSCOPE_CASE(number, message, enumerator, type, ...) \
  case DType::enumerator:                                     \
    fn(TypeTag<type>{});                                      \
    return true;
  switch (dtype) {
    VARSCOPE_DTYPES(VARSCOPE_CASE)
    case DType::kInvalid:
      break;
  }
#undef VARSCOPE_CASE
  return false;
}

// The C++ type of a floating dtype.
template <typename Fn>
bool VisitFloating(DType dtype, Fn&& fn) {
  return IsFloating(dtype) && VisitDType(dtype, [&](auto tag) {
           if constexpr (IsFloating(kDTypeOf<typename decltype(tag)::type>)) fn(tag);
         });
}

// The C++ type of the dtypes that gradients can have.
template <typename Fn>
bool VisitGradient(DType dtype, Fn&& fn) {
  return TakesGradients(dtype) && VisitDType(dtype, [&](auto tag) {
           if constexpr (TakesGradients(kDTypeOf<typename decltype(tag)::type>)) fn(tag);
         });
}

// The unsigned integer of the dtype's size, for what only moves elements.
template <typename Fn>
bool VisitSize(DType dtype, Fn&& fn) {
  switch (SizeOf(dtype)) {
    case 1:
      fn(TypeTag<uint8_t>{});
      return true;
    case 2:
      fn(TypeTag<uint16_t>{});
      return true;
    case 4:
      fn(TypeTag<uint32_t>{});
      return true;
    case 8:
      fn(TypeTag<uint64_t>{});
      return true;
    default:
      return false;
  }
}

// For sums and differences: the C++ type of a floating dtype, the unsigned integer of an integer's
// size, which wraps to the same bits.
template <typename Fn>
bool VisitSummed(DType dtype, Fn&& fn) {
  return VisitFloating(dtype, fn) || (IsInteger(dtype) && VisitSize(dtype, fn));
}

}  // namespace varscope

#endif  // VARSCOPE_DTYPE_H_
