// Slices of tensors in TensorFlow checkpoints: under which key they lie, and where they belong.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_SLICE_KEY_H_
#define VARSCOPE_CLIENT_CHECKPOINT_SLICE_KEY_H_

#include <string>
#include <vector>

#include "client/checkpoint/tensor_bundle.pb.h"
#include "varscope/tensor.h"

namespace varscope::checkpoint {

// TensorFlow's ordered code of 0, the name, the rank, and each dimension's start and length (-1:
// the whole).
std::string SliceKey(const std::string& name, const BundleSlice& slice);

// Copies `part` to its place in `whole`. `placed` has one bit for each element of `whole`: whether
// it has its value, which it then gets. False, perhaps with some of it copied, when it does not
// fit, or an element has its value already.
bool PlaceSlice(const Tensor& part, const BundleSlice& slice, Tensor& whole,
                std::vector<bool>& placed);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_SLICE_KEY_H_
