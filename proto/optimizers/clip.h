// Gradient clipping, before an update rule.
#ifndef VARSCOPE_PROTO_OPTIMIZERS_CLIP_H_
#define VARSCOPE_PROTO_OPTIMIZERS_CLIP_H_

#include <span>

#include "absl/status/status.h"
#include "varscope/tensor.h"

namespace varscope::optimizers {

// First each element to [-clip_value, clip_value], as tf.clip_by_value, then all gradients together
// to the norm `clip_norm`, as tf.clip_by_global_norm; 0: not. Duplicate rows of sparse gradients
// must have been summed. Tensors that others share are copied first. InvalidArgument when one is
// not float32 or float64, ResourceExhausted without memory for a copy; nothing is clipped then.
absl::Status Clip(std::span<Tensor* const> gradients, double clip_value, double clip_norm);

// What a push may ask for: 0 (none) or a finite number above it, each. InvalidArgument says which.
absl::Status CheckClip(double clip_value, double clip_norm);

}  // namespace varscope::optimizers

#endif  // VARSCOPE_PROTO_OPTIMIZERS_CLIP_H_
