// What a kernel sees of one op's run.
#ifndef VARSCOPE_CLIENT_KERNELS_CONTEXT_H_
#define VARSCOPE_CLIENT_KERNELS_CONTEXT_H_

#include <initializer_list>
#include <span>
#include <utility>
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

// A value, or a smaller tensor that stands for it: the value is that tensor broadcast to `shape`.
struct Operand {
  Tensor tensor;
  const Shape* shape = nullptr;  // null: the tensor's own
};

// The op's shape rule has seen the shapes and dtypes of these inputs, and `specs` is what it made
// of them: a kernel neither checks shapes nor computes them, and gives outputs of just these, or
// smaller ones that stand for them.
class KernelContext {
 public:
  KernelContext(const Attrs& attrs, std::span<Operand> inputs, std::span<const OutputSpec> specs,
                std::span<Tensor> outputs, Device& device)
      : attrs(attrs), device(device), inputs_(inputs), specs_(specs), outputs_(outputs) {}

  const Attrs& attrs;
  Device& device;

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(specs_.size()); }
  // Input i, made whole if it is not. Not in several threads at once.
  const Tensor& in(int i);
  // What there is of it, for kernels that broadcast it themselves.
  const Tensor& part(int i) const { return inputs_[i].tensor; }
  // The one element that it repeats, or all of it.
  const Tensor& one_or_all(int i) { return part(i).num_elements() == 1 ? part(i) : in(i); }
  const Shape& in_shape(int i) const {
    return inputs_[i].shape != nullptr ? *inputs_[i].shape : part(i).shape();
  }
  // Of output i.
  const Shape& shape(int i = 0) const { return specs_[i].shape; }
  DType dtype(int i = 0) const { return specs_[i].dtype; }

  // Output i, its bytes uninitialized.
  Tensor& Allocate(int i = 0) { return outputs_[i] = Tensor(dtype(i), shape(i)); }

  // Output 0 in the bytes of an input that nobody else needs any more, when one fits: for kernels
  // that read each element before they write it.
  Tensor& Forward(std::initializer_list<int> candidates) { return Forward(candidates, shape()); }
  // The same for kernels that take parts and compute each element from those in its place: what
  // all inputs repeat is computed once.
  Tensor& ForwardPart(std::initializer_list<int> candidates) {
    return Forward(candidates, PartShape());
  }
  // Output 0 as what repeats `part`, or its only element.
  void Repeat(Tensor part) { outputs_[0] = std::move(part); }
  void RepeatOne(const Tensor& part) {
    Repeat(part.Reshaped(Shape(std::vector<int64_t>(shape().rank(), 1))));
  }

  // Of an op that finds shapes: output i, of any shape.
  void Find(int i, Tensor value) { outputs_[i] = std::move(value); }
  // Input i, which nobody else may have then, so that its bytes may be written if it is unique.
  Tensor Release(int i);

  // The bytes of `value`, which has as many elements, as output 0.
  void Share(const Tensor& value) { outputs_[0] = value.Reshaped(shape()); }

 private:
  Shape PartShape() const;
  Tensor& Forward(std::initializer_list<int> candidates, const Shape& shape);

  std::span<Operand> inputs_;
  std::span<const OutputSpec> specs_;
  std::span<Tensor> outputs_;
};

// `part` broadcast to `shape`. Throws std::bad_alloc.
Tensor Repeated(const Tensor& part, const Shape& shape, Device& device);

using KernelFn = absl::Status (*)(KernelContext&);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_CONTEXT_H_
