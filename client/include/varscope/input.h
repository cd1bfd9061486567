// What an op accepts: a symbolic output, a variable, or a literal that becomes a constant.
#ifndef VARSCOPE_INPUT_H_
#define VARSCOPE_INPUT_H_

#include <initializer_list>
#include <type_traits>
#include <variant>
#include <vector>

#include "varscope/graph.h"
#include "varscope/number.h"
#include "varscope/variables.h"

namespace varscope {

// An operand of an op. The conversions are implicit, so that add(x, 1) and add(x, variable) work. A
// value; a symbolic one keeps its graph alive. Thread-compatible.
class Input {
 public:
  Input(Output output) : source_(output) {}
  // Reads the variable at this place of the program: variable.value(). Throws ValueError when it is
  // undefined.
  Input(const Variable& variable) : source_(variable.value()) {}
  // A constant. Shares the tensor's bytes, which must not be written any more.
  Input(Tensor tensor) : source_(std::move(tensor)) {}
  // Takes the dtype of the op's other operand.
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  Input(T number) : source_(Number(number)) {}
  // A float32 vector [n], also of {1, 2}: where integers are wanted, as by gather(), give a Tensor.
  Input(std::initializer_list<float> values)
      : source_(Tensor::Of<float>(Shape{static_cast<int64_t>(values.size())}, values)) {}

  // These return what the operand is; null for two of the three. Valid as long as the Input.
  const Output* output() const { return std::get_if<Output>(&source_); }
  const Tensor* tensor() const { return std::get_if<Tensor>(&source_); }
  const Number* number() const { return std::get_if<Number>(&source_); }

 private:
  std::variant<Output, Tensor, Number> source_;
};

}  // namespace varscope

#endif  // VARSCOPE_INPUT_H_
