// A literal number of a program.
#ifndef VARSCOPE_NUMBER_H_
#define VARSCOPE_NUMBER_H_

#include <cstdint>
#include <type_traits>
#include <variant>

namespace varscope {

// A number without a dtype yet: what it is used for says which, and it is converted as cast() does.
// Where nothing says, one of a floating C++ type is float32, a bool is bool, and one of another
// integral type int32, or int64 or uint64 when it needs to be. As TensorFlow's. One of a floating
// type is never an integer or a bool, and one of an integral type never a bool: TypeError. A value.
class Number {
 public:
  using Value = std::variant<bool, int64_t, uint64_t, double>;

  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  Number(T number) : value_(ValueOf(number)) {}

  const Value& value() const { return value_; }

 private:
  template <typename T>
  static Value ValueOf(T number) {
    if constexpr (std::is_same_v<T, bool>) return number;
    if constexpr (std::is_floating_point_v<T>) return static_cast<double>(number);
    if constexpr (std::is_signed_v<T>) return static_cast<int64_t>(number);
    return static_cast<uint64_t>(number);
  }

  Value value_;
};

}  // namespace varscope

#endif  // VARSCOPE_NUMBER_H_
