// A partitioned variable's parts and the one tensor that a checkpoint has of it.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_PARTS_H_
#define VARSCOPE_CLIENT_CHECKPOINT_PARTS_H_

#include <cstdint>
#include <vector>

#include "varscope/tensor.h"

namespace varscope::checkpoint {

// `partitions`: into how many parts each dimension is split, one of them more than 1; empty: not.
Tensor Join(const std::vector<Tensor>& parts, const std::vector<int64_t>& partitions);

// Parts of these shapes; none when they do not make up `whole`.
std::vector<Tensor> Cut(const Tensor& whole, const std::vector<int64_t>& partitions,
                        const std::vector<Shape>& shapes);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_PARTS_H_
