// L2 weight decay, before an update rule.
#ifndef VARSCOPE_PROTO_OPTIMIZERS_WEIGHT_DECAY_H_
#define VARSCOPE_PROTO_OPTIMIZERS_WEIGHT_DECAY_H_

#include <cstddef>
#include <span>

#include "varscope/tensor.h"

namespace varscope::optimizers {

// gradient += weight_decay * variable, for a dense gradient; 0: nothing. A gradient whose bytes
// others share is copied first.
template <typename T>
void AddWeightDecay(std::span<const T> variable, double weight_decay, Tensor& gradient) {
  if (weight_decay == 0) return;
  gradient.MakeUnique();
  const std::span<T> g = gradient.mutable_values<T>();
  for (size_t i = 0; i < g.size(); ++i) g[i] += static_cast<T>(weight_decay) * variable[i];
}

}  // namespace varscope::optimizers

#endif  // VARSCOPE_PROTO_OPTIMIZERS_WEIGHT_DECAY_H_
