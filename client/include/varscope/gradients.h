// Symbolic gradients.
#ifndef VARSCOPE_GRADIENTS_H_
#define VARSCOPE_GRADIENTS_H_

#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "varscope/input.h"
#include "varscope/optional_list.h"

namespace varscope {

// A gradient with respect to one tensor: undefined (it does not depend on it), dense, or sparse:
// rows of the tensor, perhaps repeated, whose other rows have gradient zero (tf.IndexedSlices).
struct Gradient {
  Output values;
  Output indices;  // sparse only: int32 or int64 [n], and values [n, ...]

  bool defined() const { return values.defined(); }
  bool is_sparse() const { return indices.defined(); }
};

// d(sum of ys)/dx for each x. Uses of one x add up, wherever in the graph they are. `grad_ys`, when
// given, weighs the elements of each y; an undefined entry weighs nothing. ValueError when it has
// not one entry for each of ys.
std::vector<Gradient> gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                const OptionalList<Output>& grad_ys = {});
// With respect to variables, wherever they are read; a partitioned one must be given part by part.
std::vector<Gradient> gradients(const std::vector<Output>& ys, const std::vector<Variable>& xs);
inline std::vector<Gradient> gradients(const std::vector<Output>& ys,
                                       std::initializer_list<Variable> xs) {
  return gradients(ys, std::vector<Variable>(xs));
}

// The gradients scaled so that their common L2 norm is at most `clip_norm`, and the norm before.
std::pair<std::vector<Gradient>, Output> clip_by_global_norm(const std::vector<Gradient>& gradients,
                                                             const Input& clip_norm,
                                                             const std::string& name = "");
Output global_norm(const std::vector<Gradient>& gradients, const std::string& name = "");

}  // namespace varscope

#endif  // VARSCOPE_GRADIENTS_H_
