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

// What an output is: as far as it is known when the graph is built, and wholly in a run.
struct OutputSpec {
  DType dtype = DType::kInvalid;
  Shape shape;
};

// The op's shape rule has seen the shapes and dtypes of these inputs, and `specs` is what it made
// of them: a kernel neither checks shapes nor computes them, and gives outputs of just these.
class KernelContext {
 public:
  KernelContext(const Attrs& attrs, std::span<Tensor> inputs, std::span<const OutputSpec> specs,
                std::span<Tensor> outputs, Device& device)
      : attrs(attrs), device(device), inputs_(inputs), specs_(specs), outputs_(outputs) {}

  const Attrs& attrs;
  Device& device;

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(specs_.size()); }
  const Tensor& in(int i) const { return inputs_[i]; }
  // Of output i.
  const Shape& shape(int i = 0) const { return specs_[i].shape; }
  DType dtype(int i = 0) const { return specs_[i].dtype; }

  // Output i, its bytes uninitialized.
  Tensor& Allocate(int i = 0) { return outputs_[i] = Tensor(dtype(i), shape(i)); }

  // Output 0 in the bytes of an input that nobody else needs any more, when one fits: for kernels
  // that read each element before they write it.
  Tensor& Forward(std::initializer_list<int> candidates) {
    for (int c : candidates) {
      const Tensor& input = inputs_[c];
      if (input.dtype() == dtype() && input.shape() == shape() && input.unique()) {
        return outputs_[0] = input;
      }
    }
    return Allocate();
  }

  // The bytes of `value`, which has as many elements, as output 0.
  void Share(const Tensor& value) { outputs_[0] = value.Reshaped(shape()); }

 private:
  std::span<Tensor> inputs_;
  std::span<const OutputSpec> specs_;
  std::span<Tensor> outputs_;
};

using KernelFn = absl::Status (*)(KernelContext&);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_CONTEXT_H_
