// Symbolic gradients: reverse-mode differentiation adds the ops that compute them to the graph. As
// tf.gradients. Thread-compatible, as the graph.
#ifndef VARSCOPE_GRADIENTS_H_
#define VARSCOPE_GRADIENTS_H_

#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "varscope/input.h"
#include "varscope/optional_list.h"

namespace varscope {

// A gradient with respect to one tensor: undefined (nothing depends on it), dense (of the tensor's
// dtype and shape), or sparse: rows of the tensor, perhaps repeated, whose other rows have gradient
// zero (tf.IndexedSlices). A value.
struct Gradient {
  Output values;
  Output indices;  // sparse only: int32 or int64 [n], and values [n, ...]

  bool defined() const { return values.defined(); }
  bool is_sparse() const { return indices.defined(); }
};

// Returns d(sum of ys)/dx for each of xs, in their order; undefined where no y depends on x. Uses
// of one x add up, wherever in the graph they are. A gradient is sparse when all uses of x are
// gathers, of x itself or of what identity, negative, cast, bias_add, add_n, concat, and add and
// subtract of operands of one known shape, make of it: so are those of the parts of a partitioned
// variable. `grad_ys`, when given, has one entry for each of ys:
// weights of y's dtype and of a shape that is compatible with y's; an undefined entry stands for
// ones. What the ops of `stop_gradients` give counts as constant: what they are computed from has
// no part in the gradients.
//
// Throws TypeError for a y that is not float32 or float64. Throws ValueError for another number of
// grad_ys, for weights whose shape does not fit, and for what is undefined or of another graph.
// Throws LookupError for an op on the way that has no gradient function. (One whose gradient is
// none, such as argmax, is no error.)
std::vector<Gradient> gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                const OptionalList<Output>& grad_ys = {},
                                const std::vector<Output>& stop_gradients = {});
// The same with respect to variables, wherever they are read. Throws ValueError for a partitioned
// one, which must be given part by part: see Variable::parts().
std::vector<Gradient> gradients(const std::vector<Output>& ys, const std::vector<Variable>& xs);
inline std::vector<Gradient> gradients(const std::vector<Output>& ys,
                                       std::initializer_list<Variable> xs) {
  return gradients(ys, std::vector<Variable>(xs));
}

// Returns the gradients, scaled so that their common L2 norm is at most `clip_norm`, and that norm
// before. When the norm is infinite or NaN, all become NaN. Undefined gradients stay undefined and
// sparse ones sparse; repeated rows of these count one by one. `clip_norm` is a scalar. All defined
// gradients and clip_norm have one dtype, else ValueError. As tf.clip_by_global_norm.
std::pair<std::vector<Gradient>, Output> clip_by_global_norm(const std::vector<Gradient>& gradients,
                                                             const Input& clip_norm,
                                                             const std::string& name = "");
// Returns the common L2 norm of the gradients, a scalar of their dtype; a float32 0 of none that is
// defined. As tf.linalg.global_norm.
Output global_norm(const std::vector<Gradient>& gradients, const std::string& name = "");

}  // namespace varscope

#endif  // VARSCOPE_GRADIENTS_H_
