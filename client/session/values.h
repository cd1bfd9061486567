// The values of a run, by slot.
#ifndef VARSCOPE_CLIENT_SESSION_VALUES_H_
#define VARSCOPE_CLIENT_SESSION_VALUES_H_

#include <map>
#include <vector>

#include "varscope/tensor.h"

namespace varscope::internal {

class RandomStreams;

// A value that repeats a smaller tensor may be there as that tensor, until somebody needs it whole.
struct Values {
  std::vector<Tensor> tensors;
  std::map<int, Shape> repeated;     // the shapes of the values that are not their tensors'
  RandomStreams* streams = nullptr;  // of the session

  const Shape& ShapeOf(int slot) const {
    const auto it = repeated.find(slot);
    return it == repeated.end() ? tensors[slot].shape() : it->second;
  }
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_VALUES_H_
