// Ops that move elements about.
#include <numeric>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/graph/handles.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

using Grads = std::vector<Gradient>;

absl::Status CheckRank(const Shape& shape, size_t count, absl::string_view what) {
  if (!shape.known_rank() || static_cast<size_t>(shape.rank()) == count) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " has ", count, " entries for the shape ", shape.ToString()));
}

// As TensorFlow's kernel counts: where a 0 is asked for, the input's own zeros do not count for
// what -1 stands for.
Specs ReshapeShape(const InferContext& c) {
  std::vector<int64_t> dims = c.attrs.list("shape");
  int64_t known = 1;
  int open = -1;
  bool zero = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] > 0) {
      known = Times(known, dims[i]);
    } else if (dims[i] == 0) {
      zero = true;
    } else if (open >= 0 || dims[i] != -1) {
      return absl::InvalidArgumentError(
          absl::StrCat("Only one dimension of ", Shape(dims).ToString(), " may be -1"));
    } else {
      open = static_cast<int>(i);
    }
  }
  const Shape& x = c.shape(0);
  if (!x.IsFullyDefined()) return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
  const int64_t n = Count(x);
  if (open >= 0) {
    int64_t of = 1;
    for (int64_t d : x.dims()) {
      if (d > 0 || !zero) of = Times(of, d);
    }
    dims[open] = of / known;
  }
  if (n == INT64_MAX || Count(Shape(dims)) != n) {
    return absl::InvalidArgumentError(absl::StrCat("Cannot reshape a tensor with ", n,
                                                   " elements to shape ",
                                                   Shape(c.attrs.list("shape")).ToString()));
  }
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}
Specs ReshapeLikeShape(const InferContext& c) {
  const Shape& like = LikeShape(c);
  if (c.shape(0).IsFullyDefined() && like.IsFullyDefined() && Count(c.shape(0)) != Count(like)) {
    return absl::InvalidArgumentError(absl::StrCat("Cannot reshape a tensor of shape ",
                                                   c.shape(0).ToString(), " to ", like.ToString()));
  }
  return std::vector<OutputSpec>{{c.dtype(0), like}};
}
Grads LikeInput(const GradContext& c) {
  return {Dense(MakeLike("ReshapeLike", "Reshape", c.dy(), c.x(0)))};
}
Grads ReshapeLikeGrad(const GradContext& c) {
  Grads grads(c.node.inputs.size());
  grads[0] = Dense(MakeLike("ReshapeLike", "Reshape", c.dy(), c.x(0)));
  return grads;
}

Specs ExpandDimsShape(const InferContext& c) {
  if (!c.shape(0).known_rank()) {
    return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
  }
  const absl::StatusOr<int> axis = CheckAxis(c.attrs.integer("axis"), c.shape(0).rank() + 1);
  if (!axis.ok()) return axis.status();
  std::vector<int64_t> dims = c.shape(0).dims();
  dims.insert(dims.begin() + *axis, 1);
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}

Specs SqueezeShape(const InferContext& c) {
  const Shape& x = c.shape(0);
  const std::vector<int64_t>& axes = c.attrs.list("axis");
  if (!x.known_rank() || (axes.empty() && !x.IsFullyDefined())) {
    return std::vector<OutputSpec>{{c.dtype(0), Shape::Unknown()}};
  }
  std::vector<bool> drop(x.rank(), false);
  for (int i = 0; axes.empty() && i < x.rank(); ++i) drop[i] = x.dim(i) == 1;
  for (int64_t given : axes) {
    const absl::StatusOr<int> axis = CheckAxis(given, x.rank());
    if (!axis.ok()) return axis.status();
    if (x.dim(*axis) > 1 || x.dim(*axis) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Can not squeeze dim[", *axis, "], expected a dimension of 1, got ", x.dim(*axis)));
    }
    drop[*axis] = true;
  }
  std::vector<int64_t> dims;
  for (int i = 0; i < x.rank(); ++i) {
    if (!drop[i]) dims.push_back(x.dim(i));
  }
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}

Specs TransposeShape(const InferContext& c) {
  const Shape& x = c.shape(0);
  const std::vector<int64_t>& perm = c.attrs.list("perm");
  if (absl::Status s = CheckRank(x, perm.size(), "perm"); !s.ok()) return s;
  std::vector<bool> seen(perm.size(), false);
  std::vector<int64_t> dims;
  for (int64_t p : perm) {
    if (p < 0 || p >= static_cast<int64_t>(perm.size()) || seen[p]) {
      return absl::InvalidArgumentError(absl::StrCat("perm {", absl::StrJoin(perm, ","),
                                                     "} is not a permutation of the dimensions of ",
                                                     x.ToString()));
    }
    seen[p] = true;
    dims.push_back(x.known_rank() ? x.dim(static_cast<int>(p)) : Shape::kUnknownDim);
  }
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}
Grads TransposeGrad(const GradContext& c) {
  const std::vector<int64_t>& perm = c.attrs().list("perm");
  std::vector<int64_t> inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) inverse[perm[i]] = static_cast<int64_t>(i);
  return {Dense(transpose(c.dy(), OptionalList<int64_t>(inverse)))};
}

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
// (dy, x_0, x_1, ...): the parts of dy.
Specs ConcatGradShape(const InferContext& c) {
  if (const Specs like = LikeOperand<ConcatShape>(c); !like.ok()) return like;
  return std::vector<OutputSpec>(c.inputs.begin() + 1, c.inputs.end());
}
Grads ConcatGradGrad(const GradContext& c) {
  Grads grads(c.node.inputs.size());
  grads[0] = Dense(MakeOp("ConcatV2", "concat", PartsOrZeros(c), c.attrs()));
  return grads;
}

Specs PackShape(const InferContext& c) {
  const Specs same = SameAsAll(c);
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

Specs SliceShape(const InferContext& c) {
  const std::vector<int64_t>& begin = c.attrs.list("begin");
  std::vector<int64_t> size = c.attrs.list("size");
  if (begin.size() != size.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("begin has ", begin.size(), " entries but size has ", size.size()));
  }
  if (absl::Status s = CheckRank(c.shape(0), begin.size(), "begin"); !s.ok()) return s;
  for (size_t i = 0; i < size.size(); ++i) {
    const int64_t n = c.shape(0).known_rank() ? c.shape(0).dim(static_cast<int>(i)) : -1;
    const bool inside =
        begin[i] >= 0 && size[i] >= -1 && (n < 0 || (begin[i] <= n && size[i] <= n - begin[i]));
    if (!inside) {
      return absl::InvalidArgumentError(absl::StrCat("begin ", begin[i], " and size ", size[i],
                                                     " leave dimension ", i, " of ",
                                                     c.shape(0).ToString()));
    }
    if (size[i] == -1 && n >= 0) size[i] = n - begin[i];
  }
  return std::vector<OutputSpec>{{c.dtype(0), Shape(size)}};
}
Grads SliceGrad(const GradContext& c) {
  return {Dense(MakeLike("SliceGrad", "Pad", c.dy(), c.x(0), c.attrs()))};
}

Specs TileShape(const InferContext& c) {
  const std::vector<int64_t>& multiples = c.attrs.list("multiples");
  if (absl::Status s = CheckRank(c.shape(0), multiples.size(), "multiples"); !s.ok()) return s;
  std::vector<int64_t> dims(multiples.size(), Shape::kUnknownDim);
  for (size_t i = 0; i < dims.size(); ++i) {
    if (multiples[i] < 0) return absl::InvalidArgumentError("multiples must not be negative");
    const int64_t n = c.shape(0).known_rank() ? c.shape(0).dim(static_cast<int>(i)) : -1;
    if (n >= 0) dims[i] = Times(n, multiples[i]);
  }
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}
Grads TileGrad(const GradContext& c) {
  return {Dense(MakeLike("TileGrad", "Sum", c.dy(), c.x(0), c.attrs()))};
}

Specs PadShape(const InferContext& c) {
  const std::vector<int64_t>& before = c.attrs.list("before");
  const std::vector<int64_t>& after = c.attrs.list("after");
  if (absl::Status s = CheckRank(c.shape(0), before.size(), "paddings"); !s.ok()) return s;
  std::vector<int64_t> dims(before.size(), Shape::kUnknownDim);
  for (size_t i = 0; i < dims.size(); ++i) {
    if (before[i] < 0 || after[i] < 0) {
      return absl::InvalidArgumentError("paddings must not be negative");
    }
    const int64_t n = c.shape(0).known_rank() ? c.shape(0).dim(static_cast<int>(i)) : -1;
    if (n >= 0) dims[i] = Plus(Plus(n, before[i]), after[i]);
  }
  return std::vector<OutputSpec>{{c.dtype(0), Shape(dims)}};
}
Grads PadGrad(const GradContext& c) {
  return {Dense(MakeLike("PadGrad", "Slice", c.dy(), c.x(0), c.attrs()))};
}

// The gradient of a linear op's gradient (dy, like) is the op itself.
Grads Again(const GradContext& c, const char* op) {
  Attrs attrs;
  for (const auto& [name, value] : c.attrs().values()) {
    if (name != "shape") attrs.Set(name, value);
  }
  Grads grads(c.node.inputs.size());
  grads[0] = Dense(MakeOp(op, op, {c.dy()}, attrs));
  return grads;
}
Grads SliceGradGrad(const GradContext& c) { return Again(c, "Slice"); }
Grads TileGradGrad(const GradContext& c) { return Again(c, "Tile"); }
Grads PadGradGrad(const GradContext& c) { return Again(c, "Pad"); }

Grads IdentityGrad(const GradContext& c) { return {Dense(c.dy())}; }

}  // namespace

std::vector<OpDef> ArrayOps() {
  return {
      {.name = "Identity",
       .infer = SameAsInput,
       .kernel = kernels::Share,
       .gradient = IdentityGrad},
      {.name = "StopGradient",
       .infer = SameAsInput,
       .kernel = kernels::Share,
       .gradient = NotDifferentiable},
      {.name = "ZerosLike",
       .infer = SameAsInput,
       .kernel = kernels::ZerosLike,
       .gradient = NotDifferentiable},
      {.name = "OnesLike",
       .infer = SameAsInput,
       .kernel = kernels::OnesLike,
       .gradient = NotDifferentiable},
      {.name = "Reshape", .infer = ReshapeShape, .kernel = kernels::Share, .gradient = LikeInput},
      {.name = "ReshapeLike",
       .infer = ReshapeLikeShape,
       .kernel = kernels::Share,
       .gradient = ReshapeLikeGrad},
      {.name = "ExpandDims",
       .infer = ExpandDimsShape,
       .kernel = kernels::Share,
       .gradient = LikeInput},
      {.name = "Squeeze", .infer = SqueezeShape, .kernel = kernels::Share, .gradient = LikeInput},
      {.name = "Transpose",
       .infer = TransposeShape,
       .kernel = kernels::Transpose,
       .gradient = TransposeGrad},
      {.name = "ConcatV2", .infer = ConcatShape, .kernel = kernels::Concat, .gradient = ConcatGrad},
      {.name = "ConcatGrad",
       .infer = ConcatGradShape,
       .kernel = kernels::ConcatGrad,
       .gradient = ConcatGradGrad},
      {.name = "Pack", .infer = PackShape, .kernel = kernels::Pack, .gradient = PackGrad},
      {.name = "Unpack", .infer = UnpackShape, .kernel = kernels::Unpack, .gradient = UnpackGrad},
      {.name = "Slice", .infer = SliceShape, .kernel = kernels::Slice, .gradient = SliceGrad},
      {.name = "SliceGrad",
       .infer = LikeKnown<SliceShape>,
       .kernel = kernels::SliceGrad,
       .gradient = SliceGradGrad},
      {.name = "Tile", .infer = TileShape, .kernel = kernels::Tile, .gradient = TileGrad},
      {.name = "TileGrad",
       .infer = LikeKnown<TileShape>,
       .kernel = kernels::TileGrad,
       .gradient = TileGradGrad},
      {.name = "Pad", .infer = PadShape, .kernel = kernels::Pad, .gradient = PadGrad},
      {.name = "PadGrad",
       .infer = LikeKnown<PadShape>,
       .kernel = kernels::PadGrad,
       .gradient = PadGradGrad},
  };
}

namespace {

std::vector<Output> ToOutputs(const std::vector<Input>& values, const char* function) {
  if (values.empty()) throw ValueError(absl::StrCat(function, " needs at least one value"));
  std::vector<Output> outputs;
  for (const Input& value : values) {
    outputs.push_back(ToOutput(value, absl::StrCat("values_", outputs.size())));
  }
  return outputs;
}

}  // namespace
}  // namespace internal

using internal::MakeOp;
using internal::NameOr;
using internal::Unary;

Output identity(const Input& x, const std::string& name) {
  return Unary("Identity", x, name, "Identity");
}
Output stop_gradient(const Input& x, const std::string& name) {
  return Unary("StopGradient", x, name, "StopGradient");
}
Output zeros_like(const Input& x, const std::string& name) {
  return Unary("ZerosLike", x, name, "zeros_like");
}
Output ones_like(const Input& x, const std::string& name) {
  return Unary("OnesLike", x, name, "ones_like");
}
Output reshape(const Input& x, const std::vector<int64_t>& shape, const std::string& name) {
  return Unary("Reshape", x, name, "Reshape", {{"shape", shape}});
}
Output transpose(const Input& x, const OptionalList<int64_t>& perm, const std::string& name) {
  const Output input = internal::ToOutput(x, "a");
  std::vector<int64_t> full;
  if (perm.given()) {
    full = *perm;
    for (int64_t& p : full) p += p < 0 ? static_cast<int64_t>(full.size()) : 0;
  } else {
    if (!input.shape().known_rank()) {
      throw ValueError(
          absl::StrCat("the rank of ", input.name(), " is not known, so perm must be given"));
    }
    full.resize(input.shape().rank());
    std::iota(full.rbegin(), full.rend(), 0);
  }
  return MakeOp("Transpose", NameOr(name, "transpose"), {input}, {{"perm", full}});
}
Output expand_dims(const Input& x, int axis, const std::string& name) {
  return Unary("ExpandDims", x, name, "ExpandDims", {{"axis", static_cast<int64_t>(axis)}});
}
Output squeeze(const Input& x, const std::vector<int64_t>& axis, const std::string& name) {
  return Unary("Squeeze", x, name, "Squeeze", {{"axis", axis}});
}
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
Output slice(const Input& x, const std::vector<int64_t>& begin, const std::vector<int64_t>& size,
             const std::string& name) {
  return Unary("Slice", x, name, "Slice", {{"begin", begin}, {"size", size}});
}
Output tile(const Input& x, const std::vector<int64_t>& multiples, const std::string& name) {
  return Unary("Tile", x, name, "Tile", {{"multiples", multiples}});
}
Output pad(const Input& x, const std::vector<std::pair<int64_t, int64_t>>& paddings,
           const std::string& name) {
  std::vector<int64_t> before;
  std::vector<int64_t> after;
  for (const auto& [b, a] : paddings) {
    before.push_back(b);
    after.push_back(a);
  }
  return Unary("Pad", x, name, "Pad", {{"before", before}, {"after", after}});
}

}  // namespace varscope
