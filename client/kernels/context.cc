#include "client/kernels/context.h"

#include <algorithm>

#include "client/kernels/elementwise.h"
#include "proto/tensor/shape_rules.h"

namespace varscope::internal {

const Tensor& KernelContext::in(int i) {
  auto& [tensor, shape] = inputs_[i];
  if (shape != nullptr) tensor = Repeated(tensor, *std::exchange(shape, nullptr), device);
  return tensor;
}

Tensor KernelContext::Release(int i) {
  Tensor& input = inputs_[i].tensor;
  if (inputs_[i].shape != nullptr) return in(i);
  return input.unique() ? std::exchange(input, Tensor()) : input;
}

Shape KernelContext::PartShape() const {
  if (std::all_of(inputs_.begin(), inputs_.end(),
                  [](const Operand& input) { return input.shape == nullptr; })) {
    return shape();
  }
  Shape part(std::vector<int64_t>(shape().rank(), 1));
  for (const Operand& input : inputs_) part = *Broadcast(part, input.tensor.shape());
  return part;
}

Tensor& KernelContext::Forward(std::initializer_list<int> candidates, const Shape& shape) {
  for (int c : candidates) {
    const Tensor& input = part(c);
    if (input.dtype() == dtype() && input.shape() == shape && input.unique()) {
      return outputs_[0] = input;
    }
  }
  return outputs_[0] = Tensor(dtype(), shape);
}

Tensor Repeated(const Tensor& part, const Shape& shape, Device& device) {
  Tensor out(part.dtype(), shape);
  if (out.num_elements() == 0) return out;
  const BroadcastWalk walk = Walk(part.shape(), shape, shape);
  const bool repeats = walk.a.back() == 0;
  VisitSize(part.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const from = part.data<T>();
    T* const to = out.mutable_data<T>();
    ForRuns(device, walk, kCheap, [&](int64_t first, int64_t, int64_t at, int64_t n) {
      if (repeats) {
        std::fill_n(to + at, n, from[first]);
      } else {
        std::copy_n(from + first, n, to + at);
      }
    });
  });
  return out;
}

}  // namespace varscope::internal
