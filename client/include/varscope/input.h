// What an op accepts: a symbolic output, a variable, or a literal that becomes a constant.
#ifndef VARSCOPE_INPUT_H_
#define VARSCOPE_INPUT_H_

#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <variant>
#include <vector>

#include "varscope/graph.h"
#include "varscope/variables.h"

namespace varscope {

// An operand of an op. The conversions are implicit, so that add(x, 1) and add(x, variable) work. A
// value; a symbolic one keeps its graph alive. Thread-compatible.
class Input {
 public:
  // A number without a dtype yet. It takes the dtype of the op's other operand, converted as cast()
  // does. Alone, one of a floating C++ type is float32, a bool is bool, and one of another integral
  // type int32, or int64 or uint64 when it needs to be. As TensorFlow's.
  using Number = std::variant<bool, int64_t, uint64_t, double>;

  Input(Output output) : source_(output) {}
  // Reads the variable at this place of the program: variable.value(). Throws ValueError when it is
  // undefined.
  Input(const Variable& variable) : source_(variable.value()) {}
  // A constant. Shares the tensor's bytes, which must not be written any more.
  Input(Tensor tensor) : source_(std::move(tensor)) {}
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  Input(T number) : source_(NumberOf(number)) {}
  // A float32 vector [n], also of {1, 2}: where integers are wanted, as by gather(), give a Tensor.
  Input(std::initializer_list<float> values)
      : source_(Tensor::Of<float>(Shape{static_cast<int64_t>(values.size())}, values)) {}

  // These return what the operand is; null for two of the three. Valid as long as the Input.
  const Output* output() const { return std::get_if<Output>(&source_); }
  const Tensor* tensor() const { return std::get_if<Tensor>(&source_); }
  const Number* number() const { return std::get_if<Number>(&source_); }

 private:
  template <typename T>
  static Number NumberOf(T number) {
    if constexpr (std::is_same_v<T, bool>) return number;
    if constexpr (std::is_floating_point_v<T>) return static_cast<double>(number);
    if constexpr (std::is_signed_v<T>) return static_cast<int64_t>(number);
    return static_cast<uint64_t>(number);
  }

  std::variant<Output, Tensor, Number> source_;
};

}  // namespace varscope

#endif  // VARSCOPE_INPUT_H_
