#include "client/session/shapes.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/graph/known_numbers.h"
#include "client/session/op_error.h"
#include "proto/tensor/shape_rules.h"

namespace varscope::internal {
namespace {

bool Fit(const KernelShapes& shapes, const std::vector<int>& inputs, const Values& values) {
  return std::equal(shapes.inputs.begin(), shapes.inputs.end(), inputs.begin(), inputs.end(),
                    [&](const OutputSpec& spec, int input) {
                      return spec.dtype == values.tensors[input].dtype() &&
                             spec.shape == values.ShapeOf(input);
                    });
}

[[noreturn]] void Refuse(const Node& node, std::span<const OutputSpec> inputs,
                         const absl::Status& status) {
  const auto print = [](std::string* out, const OutputSpec& input) {
    absl::StrAppend(out, Name(input.dtype), " ", input.shape.ToString());
  };
  ThrowAt(node, absl::Status(status.code(), absl::StrCat(status.message(), " with input shapes: ",
                                                         absl::StrJoin(inputs, ", ", print))));
}

KernelShapes Infer(const Node& node, const std::vector<int>& inputs, const Values& values) {
  KernelShapes shapes;
  for (int input : inputs) {
    shapes.inputs.push_back({values.tensors[input].dtype(), values.ShapeOf(input)});
  }
  std::vector<std::shared_ptr<const Numbers>> known;
  for (size_t i = 0; node.def->by_values && i < inputs.size(); ++i) {
    const Tensor& value = values.tensors[inputs[i]];
    known.push_back(values.repeated.contains(inputs[i]) ? nullptr : NumbersOf(value));
  }
  absl::StatusOr<std::vector<OutputSpec>> outputs =
      node.def->infer({node.attrs, shapes.inputs, known});
  if (!outputs.ok()) Refuse(node, shapes.inputs, outputs.status());
  shapes.outputs = *std::move(outputs);
  for (const OutputSpec& output : shapes.outputs) {
    if (node.def->finds_shapes && !output.shape.IsFullyDefined()) continue;
    const absl::StatusOr<uint64_t> bytes = ByteSize(output.dtype, output.shape);
    if (!bytes.ok()) Refuse(node, shapes.inputs, bytes.status());
  }
  return shapes;
}

}  // namespace

RunShapes::RunShapes(ShapeCache& cache, const std::vector<Tensor>& feeds, size_t kernels)
    : cache_(cache) {
  for (const Tensor& feed : feeds) feeds_.push_back(feed.shape());
  known_ = cache_.Find(feeds_);
  if (known_ == nullptr) met_.resize(kernels);
}

std::span<const OutputSpec> RunShapes::Of(size_t number, const Node& node,
                                          const std::vector<int>& inputs, const Values& values) {
  if (node.def->by_values) return (by_values_ = Infer(node, inputs, values)).outputs;
  if (met_.empty()) {
    const KernelShapes& known = (*known_)[number];
    if (Fit(known, inputs, values)) return known.outputs;
    met_ = *known_;  // a variable has another shape than in the run before
  }
  met_[number] = Infer(node, inputs, values);
  return met_[number].outputs;
}

void RunShapes::Keep() {
  if (met_.empty()) return;
  cache_.Keep(std::move(feeds_), std::make_shared<const PlanShapes>(std::move(met_)));
}

}  // namespace varscope::internal
