// Reverse-mode differentiation of a body.
#ifndef VARSCOPE_CLIENT_GRAPH_DIFFERENTIATE_H_
#define VARSCOPE_CLIENT_GRAPH_DIFFERENTIATE_H_

#include <vector>

#include "client/graph/body.h"
#include "client/graph/op_def.h"

namespace varscope::internal {

// The gradients of `ys` for `xs`, through the ops of `body` alone, from those of `ys`: undefined
// where no y depends on x. The ops go where ops are added to at the moment; outputs of the body's
// ops they have by `values`. Throws LookupError for an op without a gradient.
std::vector<Output> Differentiate(const std::vector<Output>& ys, const std::vector<Output>& seeds,
                                  const std::vector<Output>& xs, const Body& body,
                                  ForwardValues& values);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_DIFFERENTIATE_H_
