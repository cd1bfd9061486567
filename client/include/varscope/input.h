// What an op accepts: a symbolic output, a variable, or a literal that becomes a constant.
#ifndef VARSCOPE_INPUT_H_
#define VARSCOPE_INPUT_H_

#include <initializer_list>
#include <type_traits>
#include <variant>
#include <vector>

#include "varscope/graph.h"
#include "varscope/variables.h"

namespace varscope {

class Input {
 public:
  // A number takes the dtype of the op's other operand; alone, an integer is int32 and a real
  // number float32, as in TensorFlow.
  struct Number {
    double value;
    bool integral;
  };

  Input(Output output) : source_(output) {}
  Input(const Variable& variable) : source_(variable.value()) {}
  Input(Tensor tensor) : source_(std::move(tensor)) {}
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  Input(T number) : source_(Number{static_cast<double>(number), std::is_integral_v<T>}) {}
  Input(std::initializer_list<float> values)
      : source_(Tensor::Of<float>(Shape{static_cast<int64_t>(values.size())}, values)) {}

  const Output* output() const { return std::get_if<Output>(&source_); }
  const Tensor* tensor() const { return std::get_if<Tensor>(&source_); }
  const Number* number() const { return std::get_if<Number>(&source_); }

 private:
  std::variant<Output, Tensor, Number> source_;
};

}  // namespace varscope

#endif  // VARSCOPE_INPUT_H_
