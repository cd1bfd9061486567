#include "client/session/executor.h"

#include "absl/status/status.h"
#include "client/session/op_error.h"
#include "client/session/pull.h"
#include "client/session/push.h"

namespace varscope::internal {
namespace {

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
    ThrowAt(*kernel.node, status);
  }
  for (size_t i = 0; i < outputs.size(); ++i) slots[kernel.outputs[i]] = std::move(outputs[i]);
}

// The variables that are fetched as they are after the push.
std::vector<std::string> FetchedAfterwards(const Plan& plan) {
  std::vector<std::string> names;
  for (const Plan::Result& result : plan.results) {
    if (result.after_push != nullptr) names.push_back(result.after_push->name);
  }
  return names;
}

// One push for each group: to the server, or to the worker's own copies. Returns what `fetched`
// are afterwards.
PullResult PushAll(PushRequest push, const std::vector<std::string>& fetched, RemoteStore& store,
                   LocalTraining& local, const PulledValues& pulled, RunOutcome& outcome) {
  local.Forget(push.assignments);
  std::vector<PushRequest> parts;
  if (!push.empty()) parts = SplitByGroup(std::move(push), store.groups());
  std::optional<PullResult> values;
  for (PushRequest& part : parts) {
    const SyncGroup* const group =
        part.steps.empty() ? nullptr : local.GroupOf(part.steps[0].updates[0].variable);
    std::optional<PushAnswer> answer;
    if (group != nullptr) {
      answer = local.Step(*group, part, pulled);
      part.steps.clear();
      if (!part.empty()) store.Push(part);
    } else if (&part == &parts.back() && !fetched.empty()) {
      RemoteStore::PushedAndPulled both = store.PushAndPull(part, fetched);
      answer = both.answer;
      values = std::move(both.values);
    } else {
      answer = store.Push(part);
    }
    if (!answer) continue;
    outcome.global_step = answer->global_step;
    if (!answer->applied) ++outcome.dropped;
  }
  if (values) return *std::move(values);
  return fetched.empty() ? PullResult() : store.Pull(fetched);
}

std::vector<Tensor> Results(const Plan& plan, PullResult afterwards,
                            const std::vector<Tensor>& slots) {
  std::vector<Tensor> results;
  size_t next = 0;
  for (const Plan::Result& result : plan.results) {
    if (result.after_push != nullptr) {
      results.push_back(afterwards.Take(next++).value);
    } else {
      results.push_back(result.slot >= 0 ? slots[result.slot] : Tensor());
    }
  }
  return results;
}

}  // namespace

RunOutcome Execute(const Plan& plan, const std::vector<Tensor>& feeds, RemoteStore& store,
                   LocalTraining& local, Device& device) {
  std::vector<Tensor> slots(plan.slots);
  for (size_t i = 0; i < feeds.size(); ++i) slots[plan.feeds[i]] = feeds[i];
  for (const Plan::Constant& constant : plan.constants) slots[constant.slot] = constant.value;
  for (const Plan::Kernel& kernel : plan.early_kernels) RunKernel(kernel, slots, device);
  const PulledValues pulled = PullAll(plan, store, local, slots);
  for (const Plan::Kernel& kernel : plan.kernels) RunKernel(kernel, slots, device);
  RunOutcome outcome;
  PullResult afterwards = PushAll(CollectPush(plan, slots, pulled), FetchedAfterwards(plan), store,
                                  local, pulled, outcome);
  outcome.results = Results(plan, std::move(afterwards), slots);
  return outcome;
}

}  // namespace varscope::internal
