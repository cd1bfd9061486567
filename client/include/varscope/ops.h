// Ops, under TensorFlow 1's names (tf.add, tf.reduce_sum, ...). Each takes a `name`; empty gives
// TensorFlow's default. All are broadcast as NumPy does where they have two operands. ValueError,
// with the op's name and the shapes, when shapes or dtypes do not fit.
#ifndef VARSCOPE_OPS_H_
#define VARSCOPE_OPS_H_

#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "varscope/input.h"
#include "varscope/optional_list.h"

namespace varscope {

// Which axes to reduce; negative ones count from the end. `{}`, the default: all; an empty
// std::vector: none.
class Axes : public OptionalList<int64_t> {
 public:
  using OptionalList::OptionalList;
  Axes() = default;
  Axes(int axis) : OptionalList({axis}) {}
};

// Sources.
Output constant(const Tensor& value, const std::string& name = "");
Output constant(double value, DType dtype = DType::kFloat32, const std::string& name = "");
Output constant(std::initializer_list<float> values, const std::string& name = "");
Output placeholder(DType dtype, const Shape& shape = Shape::Unknown(),
                   const std::string& name = "");
Output zeros(const Shape& shape, DType dtype = DType::kFloat32, const std::string& name = "");
Output ones(const Shape& shape, DType dtype = DType::kFloat32, const std::string& name = "");
// New numbers on each run, from a generator seeded when the session starts.
Output random_uniform(const Shape& shape, double minval = 0, double maxval = 1,
                      const std::string& name = "");
Output random_normal(const Shape& shape, double mean = 0, double stddev = 1,
                     const std::string& name = "");
// A literal becomes the constant "Const", an output stays itself.
Output convert_to_tensor(const Input& value, const std::string& name = "");

// Arithmetic.
Output add(const Input& x, const Input& y, const std::string& name = "");
Output subtract(const Input& x, const Input& y, const std::string& name = "");
Output multiply(const Input& x, const Input& y, const std::string& name = "");
Output divide(const Input& x, const Input& y, const std::string& name = "");
Output floordiv(const Input& x, const Input& y, const std::string& name = "");
Output maximum(const Input& x, const Input& y, const std::string& name = "");
Output minimum(const Input& x, const Input& y, const std::string& name = "");
Output squared_difference(const Input& x, const Input& y, const std::string& name = "");
Output pow(const Input& x, const Input& y, const std::string& name = "");
Output add_n(const std::vector<Input>& inputs, const std::string& name = "");
Output negative(const Input& x, const std::string& name = "");
Output abs(const Input& x, const std::string& name = "");
Output sign(const Input& x, const std::string& name = "");
Output square(const Input& x, const std::string& name = "");
Output sqrt(const Input& x, const std::string& name = "");
Output rsqrt(const Input& x, const std::string& name = "");
Output reciprocal(const Input& x, const std::string& name = "");
Output exp(const Input& x, const std::string& name = "");
Output log(const Input& x, const std::string& name = "");
Output log1p(const Input& x, const std::string& name = "");
Output sin(const Input& x, const std::string& name = "");
Output cos(const Input& x, const std::string& name = "");
Output tanh(const Input& x, const std::string& name = "");
Output sigmoid(const Input& x, const std::string& name = "");
Output floor(const Input& x, const std::string& name = "");
Output clip_by_value(const Input& x, const Input& clip_value_min, const Input& clip_value_max,
                     const std::string& name = "");
Output cast(const Input& x, DType dtype, const std::string& name = "");

namespace internal {
template <typename T>
concept Symbolic = std::is_same_v<T, Output> || std::is_same_v<T, Variable>;
// Operands of an operator: at least one is symbolic, the other may be a literal.
template <typename X, typename Y>
concept Operands =
    (Symbolic<X> ||
     Symbolic<Y>)&&std::is_convertible_v<const X&, Input>&& std::is_convertible_v<const Y&, Input>;
Output OperatorAdd(const Input& x, const Input& y);
Output OperatorSub(const Input& x, const Input& y);
Output OperatorMul(const Input& x, const Input& y);
}  // namespace internal

// As Python's operators name them: `1.0 + v` is "add".
template <typename X, typename Y>
requires internal::Operands<X, Y> Output operator+(const X& x, const Y& y) {
  return internal::OperatorAdd(x, y);
}
template <typename X, typename Y>
requires internal::Operands<X, Y> Output operator-(const X& x, const Y& y) {
  return internal::OperatorSub(x, y);
}
template <typename X, typename Y>
requires internal::Operands<X, Y> Output operator*(const X& x, const Y& y) {
  return internal::OperatorMul(x, y);
}
template <typename X, typename Y>
requires internal::Operands<X, Y> Output operator/(const X& x, const Y& y) { return divide(x, y); }
Output operator-(const Output& x);

// Comparisons give bool.
Output equal(const Input& x, const Input& y, const std::string& name = "");
Output not_equal(const Input& x, const Input& y, const std::string& name = "");
Output less(const Input& x, const Input& y, const std::string& name = "");
Output less_equal(const Input& x, const Input& y, const std::string& name = "");
Output greater(const Input& x, const Input& y, const std::string& name = "");
Output greater_equal(const Input& x, const Input& y, const std::string& name = "");
Output where(const Input& condition, const Input& x, const Input& y, const std::string& name = "");

// Linear algebra: [..., m, k] x [..., k, n]; the outer dimensions must be equal.
Output matmul(const Input& a, const Input& b, bool transpose_a = false, bool transpose_b = false,
              const std::string& name = "");

// Reductions.
Output reduce_sum(const Input& x, const Axes& axis = {}, bool keepdims = false,
                  const std::string& name = "");
Output reduce_mean(const Input& x, const Axes& axis = {}, bool keepdims = false,
                   const std::string& name = "");
Output reduce_max(const Input& x, const Axes& axis = {}, bool keepdims = false,
                  const std::string& name = "");
Output reduce_min(const Input& x, const Axes& axis = {}, bool keepdims = false,
                  const std::string& name = "");
Output reduce_prod(const Input& x, const Axes& axis = {}, bool keepdims = false,
                   const std::string& name = "");
Output reduce_logsumexp(const Input& x, const Axes& axis = {}, bool keepdims = false,
                        const std::string& name = "");
// int64; the first of equal elements.
Output argmax(const Input& x, int axis = 0, const std::string& name = "");
Output argmin(const Input& x, int axis = 0, const std::string& name = "");

// Arrays.
Output identity(const Input& x, const std::string& name = "");
Output stop_gradient(const Input& x, const std::string& name = "");
Output zeros_like(const Input& x, const std::string& name = "");
Output ones_like(const Input& x, const std::string& name = "");
// One dimension may be -1.
Output reshape(const Input& x, const std::vector<int64_t>& shape, const std::string& name = "");
// Without perm: reverses the dimensions, whose number must then be known.
Output transpose(const Input& x, const OptionalList<int64_t>& perm = {},
                 const std::string& name = "");
Output expand_dims(const Input& x, int axis, const std::string& name = "");
// Empty axis: all dimensions of 1, as TensorFlow's.
Output squeeze(const Input& x, const std::vector<int64_t>& axis = {}, const std::string& name = "");
Output concat(const std::vector<Input>& values, int axis, const std::string& name = "");
// Of nothing: a float32 [0].
Output stack(const std::vector<Input>& values, int axis = 0, const std::string& name = "");
// A size of -1: to the end.
Output slice(const Input& x, const std::vector<int64_t>& begin, const std::vector<int64_t>& size,
             const std::string& name = "");
Output tile(const Input& x, const std::vector<int64_t>& multiples, const std::string& name = "");
// Zeros before and after, for each dimension.
Output pad(const Input& x, const std::vector<std::pair<int64_t, int64_t>>& paddings,
           const std::string& name = "");
// Rows of `params` (axis 0); int32 or int64 indices of any shape.
Output gather(const Input& params, const Input& indices, const std::string& name = "");
Output one_hot(const Input& indices, int64_t depth, const std::string& name = "",
               DType dtype = DType::kFloat32);

// Runs all of them.
Operation group(const std::vector<Operation>& operations, const std::string& name = "");
Operation no_op(const std::string& name = "");

}  // namespace varscope

#endif  // VARSCOPE_OPS_H_
