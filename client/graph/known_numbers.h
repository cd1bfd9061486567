// What is known before a run of integers that shapes are made of.
#ifndef VARSCOPE_CLIENT_GRAPH_KNOWN_NUMBERS_H_
#define VARSCOPE_CLIENT_GRAPH_KNOWN_NUMBERS_H_

#include <memory>

#include "client/graph/node_output.h"
#include "client/graph/op_def.h"
#include "varscope/tensor.h"

namespace varscope::internal {

// As far as they follow from constants and from shapes that the graph knows; null: not even how
// many there are, or they are not integers.
std::shared_ptr<const Numbers> KnownNumbers(const NodeOutput& output);

// The elements of a tensor of int32 or int64 that has no more than a shape may need; null for
// another.
std::shared_ptr<const Numbers> NumbersOf(const Tensor& tensor);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_KNOWN_NUMBERS_H_
