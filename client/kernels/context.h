// What a kernel sees of one op's run.
#ifndef VARSCOPE_CLIENT_KERNELS_CONTEXT_H_
#define VARSCOPE_CLIENT_KERNELS_CONTEXT_H_

#include <initializer_list>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "client/graph/attrs.h"
#include "client/kernels/device.h"
#include "varscope/tensor.h"

namespace varscope::internal {

class KernelContext {
 public:
  KernelContext(const Attrs& attrs, std::span<Tensor> inputs, std::span<Tensor> outputs,
                Device& device)
      : attrs(attrs), device(device), inputs_(inputs), outputs_(outputs) {}

  const Attrs& attrs;
  Device& device;

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  const Tensor& in(int i) const { return inputs_[i]; }
  // The shape that an op (x, like) gives its output: an attribute, or that of its second input.
  const Shape& like() const { return num_inputs() > 1 ? in(1).shape() : attrs.get<Shape>("shape"); }

  // Output i, its bytes uninitialized.
  Tensor& Allocate(int i, DType dtype, const Shape& shape) {
    return outputs_[i] = Tensor(dtype, shape);
  }

  // Output i in the bytes of an input that nobody else needs any more, when one fits: for kernels
  // that read each element before they write it.
  Tensor& Forward(int i, std::initializer_list<int> candidates, DType dtype, const Shape& shape) {
    for (int c : candidates) {
      const Tensor& input = inputs_[c];
      if (input.dtype() == dtype && input.shape() == shape && input.unique()) {
        return outputs_[i] = input;
      }
    }
    return Allocate(i, dtype, shape);
  }

  void Set(int i, Tensor value) { outputs_[i] = std::move(value); }

 private:
  std::span<Tensor> inputs_;
  std::span<Tensor> outputs_;
};

using KernelFn = absl::Status (*)(KernelContext&);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_CONTEXT_H_
