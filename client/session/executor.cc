#include "client/session/executor.h"

#include "absl/strings/str_cat.h"
#include "client/session/push.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

void PullAll(const Plan& plan, RemoteStore& store, std::vector<Tensor>& slots) {
  if (plan.pulls.empty()) return;
  std::vector<std::string> names;
  for (const Plan::Pull& pull : plan.pulls) names.push_back(pull.variable->name);
  std::vector<Tensor> values = store.Pull(names);
  for (size_t i = 0; i < plan.pulls.size(); ++i) {
    const VariableState& variable = *plan.pulls[i].variable;
    if (values[i].dtype() != variable.dtype ||
        !values[i].shape().IsCompatibleWith(variable.shape)) {
      throw OpError(absl::StrCat("variable ", variable.name, " came as ", Name(values[i].dtype()),
                                 " ", values[i].shape().ToString(), ", expected ",
                                 Name(variable.dtype), " ", variable.shape.ToString()));
    }
    slots[plan.pulls[i].slot] = std::move(values[i]);
  }
}

void RunKernel(const Plan::Kernel& kernel, std::vector<Tensor>& slots, Device& device) {
  std::vector<Tensor> inputs;
  inputs.reserve(kernel.inputs.size());
  for (size_t i = 0; i < kernel.inputs.size(); ++i) {
    Tensor& value = slots[kernel.inputs[i]];
    if (kernel.last_use[i]) {
      inputs.push_back(std::move(value));
      value = Tensor();
    } else {
      inputs.push_back(value);
    }
  }
  std::vector<Tensor> outputs(kernel.outputs.size());
  KernelContext context(kernel.node->attrs, inputs, outputs, device);
  if (absl::Status status = kernel.node->def->kernel(context); !status.ok()) {
    throw InvalidArgumentError(absl::StrCat(status.message(), " [op '", kernel.node->name, "' (",
                                            kernel.node->def->name, ")]"));
  }
  for (size_t i = 0; i < outputs.size(); ++i) slots[kernel.outputs[i]] = std::move(outputs[i]);
}

std::vector<Tensor> Results(const Plan& plan, RemoteStore& store, std::vector<Tensor>& slots) {
  std::vector<Tensor> results;
  std::vector<std::string> changed;
  for (const Plan::Result& result : plan.results) {
    results.push_back(result.slot >= 0 ? slots[result.slot] : Tensor());
    if (result.after_push != nullptr) changed.push_back(result.after_push->name);
  }
  if (changed.empty()) return results;
  std::vector<Tensor> values = store.Pull(changed);
  size_t next = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    if (plan.results[i].after_push != nullptr) results[i] = std::move(values[next++]);
  }
  return results;
}

}  // namespace

RunOutcome Execute(const Plan& plan, const std::vector<Tensor>& feeds, RemoteStore& store,
                   Device& device) {
  std::vector<Tensor> slots(plan.slots);
  for (size_t i = 0; i < feeds.size(); ++i) slots[plan.feeds[i]] = feeds[i];
  for (const Plan::Constant& constant : plan.constants) slots[constant.slot] = constant.value;
  PullAll(plan, store, slots);
  for (const Plan::Kernel& kernel : plan.kernels) RunKernel(kernel, slots, device);
  RunOutcome outcome;
  const PushRequest push = CollectPush(plan, slots);
  if (!push.empty()) outcome.global_step = store.Push(push);
  outcome.results = Results(plan, store, slots);
  return outcome;
}

}  // namespace varscope::internal
