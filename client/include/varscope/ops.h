// Ops, under TensorFlow 1's names and with its defaults: add is tf.add. What differs is said.
//
// A function adds an op, or a few, to a graph and returns the output, which keeps the graph alive.
// Nothing is computed before a Session runs it. All symbolic operands must be of one graph.
// Literals, and ops without a symbolic operand, go to the default graph: beside a literal, operands
// must be of that one. Thread-compatible, as the graph (graph.h).
//
// `name` names the op in the current name scope, and is made unique there; one that ends with '/'
// is taken as it is, without the scope and the '/'; empty: TensorFlow's default name.
//
// Dtypes. A "float" is float32 or float64. A "number" is a float, int32, int64 or uint8. Operands
// are numbers, and the result has their dtype, unless a comment says otherwise. Two operands must
// have the same dtype: none is cast. A literal number takes the dtype of the other operand; see
// number.h.
//
// Shapes are inferred as far as they are known when the graph is built, and again in each run.
//
// Errors. Each function throws
//   ValueError    when shapes or dtypes do not fit, as far as they are known, with the op's name
//                 and the shapes; for an operand that is undefined or of another graph; for a name
//                 that is not valid, or is to be taken as it is and another op has
//   TypeError     for a literal of a floating C++ type beside an operand of integers or bools, for
//                 one of an integral type beside bools, and for a dtype that is none (kInvalid)
//   RuntimeError  when a scope of the graph was closed out of order (scope_guard.h)
// and Session::run throws, with the op's name,
//   InvalidArgumentError    when what only a run knows does not fit: a shape, an index; and for
//                           a dtype that an op moves but does not compute with (float16, int8)
//   ResourceExhaustedError  when there is no memory for an output
//
// Gradients flow through all ops unless a comment says "No gradient", which then is as a constant.
#ifndef VARSCOPE_OPS_H_
#define VARSCOPE_OPS_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "varscope/input.h"
#include "varscope/optional_list.h"

namespace varscope {

// Which axes to reduce, each in [-rank, rank); negative ones count from the end. `{}`, the default:
// all; an empty std::vector: none. A value.
class Axes : public OptionalList<int64_t> {
 public:
  using OptionalList::OptionalList;
  Axes() = default;
  // One axis: reduce_sum(x, 0).
  Axes(int axis) : OptionalList({axis}) {}
};

// Sources.

// Returns the tensor, of any dtype. Shares its bytes, which must not be written any more. Throws
// ValueError when it is undefined.
Output constant(const Tensor& value, const std::string& name = "");

namespace internal {
Output ConstantOf(const Input& number, std::optional<DType> dtype, const std::string& name);
}
// Returns a scalar of that dtype, converted as cast() does; without one of the number's own: see
// Input::Number. Throws TypeError for a literal of a floating C++ type as an integer or a bool, and
// for one of an integral type as a bool.
template <typename T>
requires std::is_arithmetic_v<T> Output constant(T value, std::optional<DType> dtype = {},
                                                 const std::string& name = "") {
  return internal::ConstantOf(value, dtype, name);
}
// Returns a float32 vector [n].
Output constant(std::initializer_list<float> values, const std::string& name = "");

// Returns what a run is fed for it: a value of this dtype, any one, and of a shape that is
// compatible. A run that needs it and is not fed throws ValueError. As tf.placeholder.
Output placeholder(DType dtype, const Shape& shape = Shape::Unknown(),
                   const std::string& name = "");

// These return a constant of any dtype. Throw ValueError for a shape that is not fully defined,
// ResourceExhaustedError for one that cannot be allocated.
Output zeros(const Shape& shape, DType dtype = DType::kFloat32, const std::string& name = "");
Output ones(const Shape& shape, DType dtype = DType::kFloat32, const std::string& name = "");

// These return float32 numbers that each run draws anew. `shape` must be fully defined. The process
// takes its seed from the system, so they cannot be drawn again. As tf.random.* without a seed.

// Numbers between minval and maxval, whichever is the larger.
Output random_uniform(const Shape& shape, double minval = 0, double maxval = 1,
                      const std::string& name = "");
// A normal distribution: mean + stddev * a number of the standard one.
Output random_normal(const Shape& shape, double mean = 0, double stddev = 1,
                     const std::string& name = "");

// Returns the output itself, or a literal as the constant `name`; empty: "Const".
Output convert_to_tensor(const Input& value, const std::string& name = "");

// Arithmetic of two operands, element by element. Shapes are broadcast as NumPy does. Integers wrap
// where they overflow.

// x + y.
Output add(const Input& x, const Input& y, const std::string& name = "");
// x - y.
Output subtract(const Input& x, const Input& y, const std::string& name = "");
// x * y.
Output multiply(const Input& x, const Input& y, const std::string& name = "");
// x / y. Two integers of 8 or 16 bits give float32, other integers float64. Throws TypeError when
// the dtypes differ, and for bools. As tf.divide.
Output divide(const Input& x, const Input& y, const std::string& name = "");
// The largest whole number that is not above x / y. Integers: InvalidArgumentError in a run when
// an element of y is 0. No gradient.
Output floordiv(const Input& x, const Input& y, const std::string& name = "");
// The larger (smaller) one; NaN where either is NaN. Where they are equal, x has the gradient.
Output maximum(const Input& x, const Input& y, const std::string& name = "");
Output minimum(const Input& x, const Input& y, const std::string& name = "");
// (x - y)^2.
Output squared_difference(const Input& x, const Input& y, const std::string& name = "");
// x^y. Floats only. The gradient for y is 0 where x is not above 0.
Output pow(const Input& x, const Input& y, const std::string& name = "");
// The sum of `inputs`, which have one dtype and one shape: nothing is broadcast. A literal number
// takes the dtype of the first. Of one tensor: the tensor itself, or, with a name, its identity().
// Throws ValueError when there is none.
Output add_n(const std::vector<Input>& inputs, const std::string& name = "");

// Functions of one operand, element by element. The result has the shape of x. Integers wrap where
// they overflow.

// -x.
Output negative(const Input& x, const std::string& name = "");
// |x|.
Output abs(const Input& x, const std::string& name = "");
// -1, 0 or 1; NaN for NaN. Its gradient is 0.
Output sign(const Input& x, const std::string& name = "");
// x^2.
Output square(const Input& x, const std::string& name = "");
// The rest but cast() and clip_by_value() take floats only.
//
// The square root; NaN below 0.
Output sqrt(const Input& x, const std::string& name = "");
// 1 / sqrt(x).
Output rsqrt(const Input& x, const std::string& name = "");
// 1 / x.
Output reciprocal(const Input& x, const std::string& name = "");
// e^x.
Output exp(const Input& x, const std::string& name = "");
// The natural logarithm; NaN below 0.
Output log(const Input& x, const std::string& name = "");
// log(1 + x), exact near 0.
Output log1p(const Input& x, const std::string& name = "");
// Of radians.
Output sin(const Input& x, const std::string& name = "");
Output cos(const Input& x, const std::string& name = "");
Output tanh(const Input& x, const std::string& name = "");
// 1 / (1 + e^-x).
Output sigmoid(const Input& x, const std::string& name = "");
// The largest whole number that is not above x. No gradient.
Output floor(const Input& x, const std::string& name = "");
// max(min(x, clip_value_max), clip_value_min), of numbers. The limits are broadcast to x; throws
// ValueError when x would be broadcast to them.
Output clip_by_value(const Input& x, const Input& clip_value_min, const Input& clip_value_max,
                     const std::string& name = "");
// x as `dtype`, from any dtype to any; x itself when it has it. A fraction is cut off towards 0 for
// an integer, what is beyond the integer becomes its end, NaN 0. An integer keeps its lower bits in
// a smaller one. What goes to a floating dtype is rounded to nearest even. To bool: x != 0. The
// gradient flows between floating dtypes only.
Output cast(const Input& x, DType dtype, const std::string& name = "");

namespace internal {
template <typename T>
concept Symbolic = std::is_same_v<T, Output> || std::is_same_v<T, Variable>;
// Operands of an operator: at least one is symbolic, the other may be a literal.
template <typename X, typename Y>
concept Operands =
    (Symbolic<X> ||
     Symbolic<Y>)&&std::is_convertible_v<const X&, Input>&& std::is_convertible_v<const Y&, Input>;
// Throw as add, subtract and multiply.
Output OperatorAdd(const Input& x, const Input& y);
Output OperatorSub(const Input& x, const Input& y);
Output OperatorMul(const Input& x, const Input& y);
}  // namespace internal

// As add, subtract, multiply, divide and negative, for Output and Variable; one operand may be a
// literal. Ops get the names of Python's operators: `1.0 + v` is "add".
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

// Comparisons of two operands, element by element, broadcast as NumPy does. Operands are numbers or
// bool; the result is bool. With NaN all are false but not_equal. No gradient.
Output equal(const Input& x, const Input& y, const std::string& name = "");
Output not_equal(const Input& x, const Input& y, const std::string& name = "");
Output less(const Input& x, const Input& y, const std::string& name = "");
Output less_equal(const Input& x, const Input& y, const std::string& name = "");
Output greater(const Input& x, const Input& y, const std::string& name = "");
Output greater_equal(const Input& x, const Input& y, const std::string& name = "");

// x where `condition` is true, else y. x and y have one dtype, any one, and one shape. `condition`
// is bool, of that shape, a scalar, or a vector [n] for x of [n, ...], which selects rows. A
// literal y takes the dtype of x, but not x that of y. As TensorFlow 1's tf.where(condition, x, y);
// without x and y it does not exist here.
Output where(const Input& condition, const Input& x, const Input& y, const std::string& name = "");

// The matrix product [..., m, k] x [..., k, n], which is [..., m, n]. Floats only. `transpose_a` is
// for an `a` of [..., k, m], `transpose_b` for a `b` of [..., n, k]. Both have one rank, at least
// 2, and equal outer dimensions: unlike TensorFlow's, these are not broadcast.
Output matmul(const Input& a, const Input& b, bool transpose_a = false, bool transpose_b = false,
              const std::string& name = "");

// Reductions over the axes `axis`. The result lacks them, or with `keepdims` has them as 1. Throws
// ValueError for an axis that x does not have, or that is given twice.

// The sum; 0 of no elements. Integers wrap, here and in products, where they overflow.
Output reduce_sum(const Input& x, const Axes& axis = {}, bool keepdims = false,
                  const std::string& name = "");
// The sum divided by the number of elements; of integers, whose sum wraps at 64 bits, cut off
// towards 0. Of no elements: NaN for floats, 0 for integers.
Output reduce_mean(const Input& x, const Axes& axis = {}, bool keepdims = false,
                   const std::string& name = "");
// The largest (smallest) element; NaN when one is NaN; of no elements the least (greatest) value of
// the dtype, an infinity for floats. Equal extremes share the gradient.
Output reduce_max(const Input& x, const Axes& axis = {}, bool keepdims = false,
                  const std::string& name = "");
Output reduce_min(const Input& x, const Axes& axis = {}, bool keepdims = false,
                  const std::string& name = "");
// The product; 1 of no elements.
Output reduce_prod(const Input& x, const Axes& axis = {}, bool keepdims = false,
                   const std::string& name = "");
// log(sum(e^x)), computed without overflow. Floats only.
Output reduce_logsumexp(const Input& x, const Axes& axis = {}, bool keepdims = false,
                        const std::string& name = "");

// The place of the largest (smallest) element along one axis, in [-rank, rank): int64, without that
// axis. The first of equal elements. x: numbers or bool. InvalidArgumentError in a run when the
// axis is empty. No gradient.
Output argmax(const Input& x, int axis = 0, const std::string& name = "");
Output argmin(const Input& x, int axis = 0, const std::string& name = "");

// Ops that move elements. x may be of any dtype; gradients are floats.

// x itself, as another op.
Output identity(const Input& x, const std::string& name = "");
// The same. No gradient.
Output stop_gradient(const Input& x, const std::string& name = "");
// Zeros (ones) of x's dtype and shape. No gradient.
Output zeros_like(const Input& x, const std::string& name = "");
Output ones_like(const Input& x, const std::string& name = "");
// The same elements in another shape, which must have as many. One dimension may be -1: what is
// left.
Output reshape(const Input& x, const std::vector<int64_t>& shape, const std::string& name = "");
// Dimension i of the result is dimension perm[i] of x. Without `perm`: reverses the dimensions,
// whose number must then be known.
Output transpose(const Input& x, const OptionalList<int64_t>& perm = {},
                 const std::string& name = "");
// x with a dimension of 1 at `axis`, in [-rank - 1, rank].
Output expand_dims(const Input& x, int axis, const std::string& name = "");
// x without the dimensions `axis`, each in [-rank, rank), which must be 1. Empty: without all
// dimensions of 1, as TensorFlow's.
Output squeeze(const Input& x, const std::vector<int64_t>& axis = {}, const std::string& name = "");
// `values` one after the other along `axis`, in [-rank, rank). They have one dtype, one rank, and
// equal dimensions but for `axis`. Of one tensor: its identity(), whatever the axis. Throws
// ValueError when there is none. A literal number here, and in stack, has its own dtype.
Output concat(const std::vector<Input>& values, int axis, const std::string& name = "");
// `values` of one dtype and shape, along a new dimension `axis` in [-rank - 1, rank]. Of nothing: a
// float32 [0].
Output stack(const std::vector<Input>& values, int axis = 0, const std::string& name = "");
// The part of x that begins at `begin` and has the shape `size`, with one entry for each dimension.
// A size of -1: to the end. Throws ValueError for a part that is not inside x.
Output slice(const Input& x, const std::vector<int64_t>& begin, const std::vector<int64_t>& size,
             const std::string& name = "");
// x repeated multiples[i] times along dimension i; one entry for each dimension, none negative.
Output tile(const Input& x, const std::vector<int64_t>& multiples, const std::string& name = "");
// x with zeros around it: paddings[i] is how many before and after along dimension i; one entry for
// each dimension, none negative. As tf.pad in mode CONSTANT, which refuses an empty list, and so a
// scalar x.
Output pad(const Input& x, const std::vector<std::pair<int64_t, int64_t>>& paddings,
           const std::string& name = "");
// The rows of `params` (along axis 0) that `indices` number: indices.shape + params.shape[1:].
// params: at least one dimension. indices: int32 or int64, of any shape; a literal number is int32.
// InvalidArgumentError in a run for a number outside [0, rows). The gradient for `params` is
// sparse.
//
// Of a variable of 64 KiB and more that a run uses in no other way, by indices that depend on no
// variable, the run pulls only these rows, each once, unless they are more than half of it.
Output gather(const Input& params, const Input& indices, const std::string& name = "");
// [..., depth] of `dtype`, any one: 1 at indices[...], else 0. indices: int32 or int64, of any
// shape; a number outside [0, depth) gives zeros. No gradient.
Output one_hot(const Input& indices, int64_t depth, const std::string& name = "",
               DType dtype = DType::kFloat32);

// Ops without a value, in the default graph.

// Runs all of `operations`. Throws ValueError for one that is undefined or of another graph.
Operation group(const std::vector<Operation>& operations, const std::string& name = "");
// Does nothing. Under control_dependencies it waits for them.
Operation no_op(const std::string& name = "");

}  // namespace varscope

#endif  // VARSCOPE_OPS_H_
