// Ops that make one tensor of several, and several of one.
#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/shards.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/errors.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

// All outputs of one op.
Grads Parts(const Output& first) {
  Grads parts;
  Node* const node = Unwrap(first).node;
  for (size_t i = 0; i < node->outputs.size(); ++i) {
    parts.push_back(Dense(Wrap(NodeOutput{node, static_cast<int>(i)})));
  }
  return parts;
}
// The gradients of all outputs.
std::vector<Output> PartsOrZeros(const GradContext& c) {
  std::vector<Output> parts;
  for (size_t i = 0; i < c.dys.size(); ++i) {
    parts.push_back(c.dys[i].defined() ? c.dys[i] : zeros_like(c.y(static_cast<int>(i))));
  }
  return parts;
}

Specs ConcatShape(const InferContext& c) {
  Shape shape = c.shape(0);
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    if (absl::Status s = CheckSameDType(c, 0, static_cast<int>(i)); !s.ok()) return s;
    if (!c.inputs[i].shape.known_rank()) {
      return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
    }
  }
  const absl::StatusOr<int> axis = CheckAxis(c.attrs.integer("axis"), shape.rank());
  if (!axis.ok()) return axis.status();
  int64_t along = 0;
  for (const OutputSpec& input : c.inputs) {
    std::vector<int64_t> dims = input.shape.dims();
    if (input.shape.rank() == shape.rank()) {
      along = along < 0 || dims[*axis] < 0 ? -1 : Plus(along, dims[*axis]);
      dims[*axis] = shape.dim(*axis);
    }
    absl::StatusOr<Shape> merged = Merge(shape, Shape(dims));
    if (!merged.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("Dimensions of inputs must match but axis ",
                                                     *axis, ": ", shape.ToString(), " and ",
                                                     input.shape.ToString()));
    }
    shape = *std::move(merged);
  }
  std::vector<int64_t> dims = shape.dims();
  dims[*axis] = along;
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}
Grads ConcatGrad(const GradContext& c) {
  std::vector<Output> inputs = {c.dy()};
  for (size_t i = 0; i < c.node.inputs.size(); ++i) inputs.push_back(c.x(static_cast<int>(i)));
  return Parts(MakeOp("ConcatGrad", "split", inputs, c.attrs()));
}
// Along the rows each input has those that fall into it; along another axis all, cut to its
// columns. None where the shapes do not tell.
Grads ConcatRowsGrad(const GradContext& c, const Gradient& dy) {
  const Shape& y = Wrap(NodeOutput{const_cast<Node*>(&c.node), 0}).shape();
  if (!y.known_rank()) return {};
  const int rank = y.rank();
  const int64_t given = c.attrs().integer("axis");
  const auto axis = static_cast<int>(given < 0 ? given + rank : given);
  std::vector<Output> inputs;
  inputs.reserve(c.node.inputs.size());
  for (const NodeOutput& input : c.node.inputs) inputs.push_back(Wrap(input));
  Grads grads;
  grads.reserve(inputs.size());
  if (axis == 0) {
    const bool known = std::all_of(inputs.begin(), inputs.end(), [](const Output& input) {
      return input.shape().known_rank() && input.shape().dim(0) >= 0;
    });
    for (size_t i = 0; !known && i < inputs.size(); ++i) inputs[i] = c.x(static_cast<int>(i));
    const IdsByShard split = SplitIds(dy.indices, inputs, "joined");
    for (size_t i = 0; i < inputs.size(); ++i) {
      grads.push_back({gather(dy.values, split.places[i]), split.rows[i]});
    }
    return grads;
  }
  for (const Output& input : inputs) {
    if (!input.shape().known_rank() || input.shape().dim(axis) < 0) return {};
  }
  std::vector<int64_t> begin(rank, 0);
  std::vector<int64_t> size(rank, -1);
  for (const Output& input : inputs) {
    size[axis] = input.shape().dim(axis);
    grads.push_back({slice(dy.values, begin, size), dy.indices});
    begin[axis] += size[axis];
  }
  return grads;
}
// (dy, x_0, x_1, ...): the parts of dy.
Specs ConcatGradShape(const InferContext& c) {
  if (Specs like = LikeOperand<ConcatShape>(c); !like.ok()) return like;
  return std::vector<OutputSpec>(c.inputs.begin() + 1, c.inputs.end());
}
Grads ConcatGradGrad(const GradContext& c) {
  Grads grads(c.node.inputs.size());
  grads[0] = Dense(MakeOp("ConcatV2", "concat", PartsOrZeros(c), c.attrs()));
  return grads;
}

Specs PackShape(const InferContext& c) {
  Specs same = SameAsAll(c);
  if (!same.ok()) return same;
  const Shape& shape = (*same)[0].shape;
  if (!shape.known_rank()) return same;
  const absl::StatusOr<int> axis = CheckAxis(c.attrs.integer("axis"), shape.rank() + 1);
  if (!axis.ok()) return axis.status();
  std::vector<int64_t> dims = shape.dims();
  dims.insert(dims.begin() + *axis, static_cast<int64_t>(c.inputs.size()));
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}
Grads PackGrad(const GradContext& c) {
  return Parts(MakeOp(
      "Unpack", "unstack", {c.dy()},
      {{"axis", c.attrs().integer("axis")}, {"num", static_cast<int64_t>(c.node.inputs.size())}}));
}
Specs UnpackShape(const InferContext& c) {
  const int64_t num = c.attrs.integer("num");
  if (!c.shape(0).known_rank()) {
    return std::vector<OutputSpec>(num, {c.dtype(0), Shape::Unknown()});
  }
  const absl::StatusOr<int> axis = CheckAxis(c.attrs.integer("axis"), c.shape(0).rank());
  if (!axis.ok()) return axis.status();
  std::vector<int64_t> dims = c.shape(0).dims();
  if (dims[*axis] >= 0 && dims[*axis] != num) {
    return absl::InvalidArgumentError(
        absl::StrCat("Dimension ", *axis, " of ", c.shape(0).ToString(), " must be ", num));
  }
  dims.erase(dims.begin() + *axis);
  return std::vector<OutputSpec>(num, {c.dtype(0), Shape(dims)});
}
Grads UnpackGrad(const GradContext& c) {
  return {Dense(MakeOp("Pack", "stack", PartsOrZeros(c), {{"axis", c.attrs().integer("axis")}}))};
}

}  // namespace

std::vector<OpDef> JoinOps() {
  return {
      {.name = "ConcatV2",
       .infer = ConcatShape,
       .kernel = kernels::Concat,
       .gradient = ConcatGrad,
       .rows_gradient = ConcatRowsGrad},
      {.name = "ConcatGrad",
       .infer = ConcatGradShape,
       .kernel = kernels::ConcatGrad,
       .gradient = ConcatGradGrad},
      {.name = "Pack", .infer = PackShape, .kernel = kernels::Pack, .gradient = PackGrad},
      {.name = "Unpack", .infer = UnpackShape, .kernel = kernels::Unpack, .gradient = UnpackGrad},
  };
}

namespace {

std::vector<Output> ToOutputs(const std::vector<Input>& values, const char* function) {
  if (values.empty()) throw ValueError(absl::StrCat(function, " needs at least one value"));
  std::vector<Output> outputs;
  outputs.reserve(values.size());
  for (const Input& value : values) {
    outputs.push_back(ToOutput(value, absl::StrCat("values_", outputs.size())));
  }
  return outputs;
}

}  // namespace
}  // namespace internal

using internal::MakeOp;
using internal::NameOr;

Output concat(const std::vector<Input>& values, int axis, const std::string& name) {
  if (values.empty()) {
    throw ValueError(
        "List argument 'values' to 'ConcatV2' Op with length 0 shorter than minimum length 2.");
  }
  const auto symbolic = std::find_if(values.begin(), values.end(),
                                     [](const Input& value) { return value.output() != nullptr; });
  const Input& of = symbolic == values.end() ? values.front() : *symbolic;
  const internal::FunctionScope scope(name, "concat", {&of});
  const std::vector<Output> outputs = internal::ToOutputs(values, "concat");
  if (outputs.size() == 1) return identity(outputs[0], NameOr(name, "concat"));
  return MakeOp("ConcatV2", scope.name(), outputs, {{"axis", static_cast<int64_t>(axis)}});
}
Output stack(const std::vector<Input>& values, int axis, const std::string& name) {
  if (values.empty()) return constant(Tensor(DType::kFloat32, Shape{0}), NameOr(name, "stack"));
  return MakeOp("Pack", NameOr(name, "stack"), internal::ToOutputs(values, "stack"),
                {{"axis", static_cast<int64_t>(axis)}});
}

}  // namespace varscope
