// Lists of tensors, as one value.
#include "client/kernels/list.h"

#include "absl/status/statusor.h"
#include "client/graph/control_flow.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/control_flow.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

// Its bytes, whose number is not known.
OutputSpec List() { return {DType::kUint8, Shape{Shape::kUnknownDim}}; }

Specs ListShape(const InferContext&) { return std::vector<OutputSpec>{List()}; }
Specs PopShape(const InferContext& c) {
  return std::vector<OutputSpec>{List(),
                                 {c.attrs.get<DType>("dtype"), c.attrs.get<Shape>("shape")}};
}
Specs RowsShape(const InferContext& c) {
  if (!c.shape(0).known_rank() || c.shape(0).rank() > 0) return ListShape(c);
  return absl::InvalidArgumentError("a scalar has no rows");
}
Specs StackShape(const InferContext& c) {
  const Shape& each = c.attrs.get<Shape>("shape");
  if (!each.known_rank()) {
    return std::vector<OutputSpec>{{c.attrs.get<DType>("dtype"), Shape::Unknown()}};
  }
  std::vector<int64_t> dims = each.dims();
  dims.insert(dims.begin(), Shape::kUnknownDim);
  return std::vector<OutputSpec>{{c.attrs.get<DType>("dtype"), Shape(dims)}};
}

Shape WithoutFirst(const Shape& shape) {
  if (!shape.known_rank() || shape.rank() == 0) return Shape::Unknown();
  return Shape({shape.dims().begin() + 1, shape.dims().end()});
}

// An empty list stands for a gradient of 0: so it is what is popped of it, too, of x's shape.
Grads PushGrad(const GradContext& c) {
  const Output x = Wrap(c.node.inputs[1]);
  const bool of_lists = IsList(c.node.inputs[1]);
  std::vector<Output> inputs = {c.dy()};
  if (!of_lists && !x.shape().IsFullyDefined()) inputs.push_back(c.x(1));
  const Output rest = MakeOp(
      "ListPop", "pop", std::move(inputs),
      {{"dtype", x.dtype()}, {"shape", x.shape()}, {"of_lists", of_lists}, {"or_zeros", true}});
  if (!of_lists && !TakesGradients(x.dtype())) return {Dense(rest), None()};
  return {Dense(rest), Dense(Wrap(NodeOutput{Unwrap(rest).node, 1}))};
}
Grads PopGrad(const GradContext& c) {
  const auto empty = [&] {
    return Wrap(NodeOutput{c.node.graph->AddNode({.op = "ListEmpty", .name = "list"}), 0});
  };
  const bool of_lists = c.attrs().flag("of_lists");
  const Output list = c.dys[0].defined() ? c.dys[0] : empty();
  Output last = c.dys[1];
  if (!last.defined()) last = of_lists ? empty() : zeros_like(c.y(1));
  Grads grads(c.node.inputs.size());
  grads[0] = Dense(MakeOp("ListPush", "push", {list, last}, {{"of_lists", of_lists}}));
  return grads;
}
// The gradient of a list has the gradient of its last tensor as its last.
Grads RowsGrad(const GradContext& c) {
  const Output x = Wrap(c.node.inputs[0]);
  if (!TakesGradients(x.dtype())) return {None()};
  const Output stacked = MakeOp("ListStack", "stack", {c.dy()},
                                {{"dtype", x.dtype()},
                                 {"shape", WithoutFirst(x.shape())},
                                 {"last_first", c.attrs().flag("last_first")}});
  return {Dense(MakeLike("ReshapeLike", "Reshape", stacked, c.x(0)))};
}
Grads StackGrad(const GradContext& c) {
  return {Dense(
      MakeOp("ListOfRows", "rows", {c.dy()}, {{"last_first", c.attrs().flag("last_first")}}))};
}

Grads ListAddGrad(const GradContext& c) { return {Dense(c.dy()), Dense(c.dy())}; }

}  // namespace

std::vector<OpDef> ListOps() {
  return {
      {.name = "ListEmpty",
       .infer = ListShape,
       .kernel = kernels::ListEmpty,
       .gradient = NotDifferentiable,
       .finds_shapes = true},
      {.name = "ListPush",
       .infer = ListShape,
       .kernel = kernels::ListPush,
       .gradient = PushGrad,
       .finds_shapes = true},
      {.name = "ListPop",
       .infer = PopShape,
       .kernel = kernels::ListPop,
       .gradient = PopGrad,
       .finds_shapes = true},
      // The sums of the tensors in both; of an empty list the other one.
      {.name = "ListAdd",
       .infer = ListShape,
       .kernel = kernels::ListAdd,
       .gradient = ListAddGrad,
       .finds_shapes = true},
      {.name = "ListOfRows",
       .infer = RowsShape,
       .kernel = kernels::ListOfRows,
       .gradient = RowsGrad,
       .finds_shapes = true},
      {.name = "ListStack",
       .infer = StackShape,
       .kernel = kernels::ListStack,
       .gradient = StackGrad,
       .finds_shapes = true},
  };
}

namespace {

void CheckList(const Output& list, const char* function) {
  if (IsList(Unwrap(list))) return;
  throw TypeError(absl::StrCat(function, ": '", list.name(), "' is no list."));
}

}  // namespace
}  // namespace internal

using internal::MakeOp;
using internal::NameOr;

Output list_empty(const std::string& name) { return MakeOp("ListEmpty", NameOr(name, "list"), {}); }

Output list_push(const Output& list, const Input& x, const std::string& name) {
  internal::CheckList(list, "list_push");
  const Output value = internal::ToOutput(x, "x");
  return MakeOp("ListPush", NameOr(name, "push"), {list, value},
                {{"of_lists", internal::IsList(internal::Unwrap(value))}});
}

Popped list_pop(const Output& list, DType dtype, const Shape& shape, const std::string& name) {
  internal::CheckList(list, "list_pop");
  const Output rest = MakeOp("ListPop", NameOr(name, "pop"), {list},
                             {{"dtype", dtype}, {"shape", shape}, {"of_lists", false}});
  return {rest, internal::Wrap(internal::NodeOutput{internal::Unwrap(rest).node, 1})};
}

Output list_of_rows(const Input& x, const std::string& name) {
  return MakeOp("ListOfRows", NameOr(name, "rows"), {internal::ToOutput(x, "x")},
                {{"last_first", true}});
}

Output list_stack(const Output& list, DType dtype, const Shape& shape, const std::string& name) {
  internal::CheckList(list, "list_stack");
  return MakeOp("ListStack", NameOr(name, "stack"), {list},
                {{"dtype", dtype}, {"shape", shape}, {"last_first", false}});
}

}  // namespace varscope
