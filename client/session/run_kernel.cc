#include "client/session/run_kernel.h"

#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/session/control.h"
#include "client/session/op_error.h"
#include "client/session/random_streams.h"

namespace varscope::internal {
namespace {

std::vector<Operand> Take(const Plan::Kernel& kernel, Values& values) {
  std::vector<Operand> inputs;
  inputs.reserve(kernel.inputs.size());
  for (size_t i = 0; i < kernel.inputs.size(); ++i) {
    const int slot = kernel.inputs[i];
    const auto repeated = values.repeated.find(slot);
    const Shape* const shape = repeated == values.repeated.end() ? nullptr : &repeated->second;
    Tensor& tensor = values.tensors[slot];
    inputs.push_back({kernel.last_use[i] ? std::exchange(tensor, Tensor()) : tensor, shape});
  }
  return inputs;
}

// What the kernel has made whole is so for others, too, unless its output took the bytes.
void KeepWhole(const Plan::Kernel& kernel, std::vector<Operand>& inputs, Values& values) {
  for (size_t i = 0; i < kernel.inputs.size(); ++i) {
    const int slot = kernel.inputs[i];
    if (kernel.last_use[i] || inputs[i].shape != nullptr || !inputs[i].tensor.unique()) continue;
    values.tensors[slot] = std::move(inputs[i].tensor);
    values.repeated.erase(slot);
  }
}

void Give(const Plan::Kernel& kernel, size_t output, Tensor tensor, const Shape& shape,
          Values& values, Device& device) {
  const int slot = kernel.outputs[output];
  if (tensor.shape() == shape || !shape.IsFullyDefined()) {
    values.tensors[slot] = std::move(tensor);
  } else if (kernel.whole[output] || shape.num_elements() == 0) {
    values.tensors[slot] = Repeated(tensor, shape, device);
  } else {
    values.tensors[slot] = std::move(tensor);
    values.repeated[slot] = shape;
  }
}

}  // namespace

void RunKernel(const Plan::Kernel& kernel, Values& values, RunShapes& shapes, Device& device) {
  if (kernel.control != nullptr) return RunControl(kernel, values, device);
  const Node& node = *kernel.node;
  const std::span<const OutputSpec> specs = shapes.Of(kernel.number, node, kernel.inputs, values);
  std::vector<Operand> inputs = Take(kernel, values);
  if (const std::optional<uint64_t> blocks = BlocksOf(node, specs)) {
    inputs.push_back({Tensor::Scalar(values.streams->Take(node, *blocks)), nullptr});
  }
  std::vector<Tensor> outputs(kernel.outputs.size());
  KernelContext context(node.attrs, inputs, specs, outputs, device);
  const Device::Turn turn(device);
  try {
    const absl::Status status = node.def->kernel(context);
    if (!status.ok()) ThrowAt(node, status);
    if (!values.repeated.empty()) KeepWhole(kernel, inputs, values);
    for (size_t i = 0; i < outputs.size(); ++i) {
      Give(kernel, i, std::move(outputs[i]), specs[i].shape, values, device);
    }
  } catch (const std::bad_alloc&) {
    ThrowAt(node, absl::ResourceExhaustedError(absl::StrCat(
                      "OOM when allocating tensor with shape ", specs[0].shape.ToString())));
  }
}

}  // namespace varscope::internal
