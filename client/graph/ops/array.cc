// Ops that move the elements of one tensor about.
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
  // An empty list has no pairs: TensorFlow takes it for a vector, also where x is a scalar.
  if (before.empty()) return absl::InvalidArgumentError("Shape must be rank 2 but is rank 1");
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
Grads IdentityRowsGrad(const GradContext&, const Gradient& dy) { return {dy}; }

}  // namespace

std::vector<OpDef> ArrayOps() {
  return {
      {.name = "Identity",
       .infer = SameAsInput,
       .kernel = kernels::Share,
       .gradient = IdentityGrad,
       .rows_gradient = IdentityRowsGrad},
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
