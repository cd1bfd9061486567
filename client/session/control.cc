#include "client/session/control.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/session/op_error.h"
#include "client/session/run_kernel.h"
#include "client/session/shapes.h"
#include "proto/tensor/elements.h"

namespace varscope::internal {
namespace {

// Runs of one body, one after the other.
class BodyRuns {
 public:
  BodyRuns(const Plan::Body& body, RandomStreams* streams, Device& device)
      : body_(body), device_(device), values_{{}, {}, streams} {}

  // `inputs`: of the op. What the body is fed once alone is moved from there.
  std::vector<Tensor> Run(std::vector<Tensor>& inputs, size_t moved) {
    const Plan& plan = *body_.plan;
    values_.tensors.assign(plan.slots, Tensor());
    values_.repeated.clear();
    std::vector<Tensor> feeds;
    for (size_t i = 0; i < body_.feeds.size(); ++i) {
      Tensor& input = inputs[body_.feeds[i]];
      feeds.push_back(i < moved ? std::exchange(input, Tensor()) : input);
    }
    if (!shapes_) shapes_.emplace(*plan.shapes, feeds, plan.kernels);
    for (size_t i = 0; i < feeds.size(); ++i) {
      values_.tensors[plan.feeds[i]] = std::move(feeds[i]);
    }
    for (const auto& [slot, value] : plan.constants) values_.tensors[slot] = value;
    for (const Plan::Stage& stage : plan.stages) {
      for (const Plan::Kernel& kernel : stage.early_kernels) Run(kernel);
      for (const Plan::Kernel& kernel : stage.kernels) Run(kernel);
    }
    std::vector<Tensor> results;
    for (int slot : plan.results) results.push_back(values_.tensors[slot]);
    values_.tensors.clear();
    return results;
  }
  void Keep() {
    if (shapes_) shapes_->Keep();
  }

 private:
  void Run(const Plan::Kernel& kernel) { RunKernel(kernel, values_, *shapes_, device_); }

  const Plan::Body& body_;
  Device& device_;
  Values values_;
  std::optional<RunShapes> shapes_;
};

bool Decide(const Node& node, const Tensor& condition) {
  if (condition.num_elements() == 1) return condition.scalar<bool>();
  ThrowAt(node, absl::InvalidArgumentError(absl::StrCat("the condition has the shape ",
                                                        condition.shape().ToString(),
                                                        ", expected a scalar")));
}

std::vector<Tensor> TakeInputs(const Plan::Kernel& kernel, Values& values) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < kernel.inputs.size(); ++i) {
    const int slot = kernel.inputs[i];
    if (slot < 0) {
      inputs.emplace_back();
    } else if (kernel.last_use[i]) {
      inputs.push_back(std::exchange(values.tensors[slot], Tensor()));
    } else {
      inputs.push_back(values.tensors[slot]);
    }
  }
  return inputs;
}

// What nobody uses, of a shape that fits: zeros, or an empty list.
Tensor Nothing(const OutputSpec& spec) {
  std::vector<int64_t> dims = spec.shape.dims();
  for (int64_t& dim : dims) dim = std::max<int64_t>(dim, 0);
  Tensor zeros(spec.dtype, Shape(std::move(dims)));
  Fill(zeros, 0);
  return zeros;
}

void Choose(const Plan::Kernel& kernel, std::vector<Tensor> inputs, Values& values,
            Device& device) {
  const bool chosen = Decide(*kernel.node, inputs[0]);
  const Plan::Body& branch = kernel.control->bodies[chosen ? 0 : 1];
  BodyRuns runs(branch, values.streams, device);
  std::vector<Tensor> results = runs.Run(inputs, 0);
  runs.Keep();
  for (size_t i = 0; i < branch.outputs.size(); ++i) {
    values.tensors[kernel.outputs[branch.outputs[i]]] = std::move(results[i]);
  }
  for (int output : kernel.control->bodies[chosen ? 1 : 0].outputs) {
    Tensor& value = values.tensors[kernel.outputs[output]];
    if (value.defined()) continue;
    value = Nothing(kernel.node->outputs[output]);
  }
}

void CheckShape(const Plan::Kernel& kernel, int variable, const Tensor& value) {
  const Shape& expected = kernel.node->outputs[variable].shape;
  if (value.shape().IsCompatibleWith(expected)) return;
  ThrowAt(*kernel.node,
          absl::InvalidArgumentError(absl::StrCat(
              "the loop's variable ", variable, " came to have the shape ",
              value.shape().ToString(), ", where its shape invariant is ", expected.ToString())));
}

void Loop(const Plan::Kernel& kernel, std::vector<Tensor> inputs, Values& values, Device& device) {
  const Plan::Control& control = *kernel.control;
  BodyRuns condition(control.bodies[0], values.streams, device);
  BodyRuns body(control.bodies[1], values.streams, device);
  while (Decide(*kernel.node, condition.Run(inputs, 0)[0])) {
    std::vector<Tensor> results = body.Run(inputs, control.variables.size());
    for (size_t i = 0; i < results.size(); ++i) {
      CheckShape(kernel, control.variables[i], results[i]);
      inputs[control.variables[i]] = std::move(results[i]);
    }
  }
  condition.Keep();
  body.Keep();
  for (int variable : control.variables) {
    values.tensors[kernel.outputs[variable]] = std::move(inputs[variable]);
  }
}

}  // namespace

void RunControl(const Plan::Kernel& kernel, Values& values, Device& device) {
  std::vector<Tensor> inputs = TakeInputs(kernel, values);
  if (kernel.node->def->name == "If") {
    Choose(kernel, std::move(inputs), values, device);
  } else {
    Loop(kernel, std::move(inputs), values, device);
  }
}

}  // namespace varscope::internal
