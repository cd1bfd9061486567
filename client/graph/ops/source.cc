// Constants, placeholders, random numbers.
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/kernels.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/elements.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

Specs OfValue(const InferContext& c) {
  const Tensor& value = c.attrs.tensor("value");
  return std::vector<OutputSpec>{{value.dtype(), value.shape()}};
}
Specs OfAttrs(const InferContext& c) {
  return std::vector<OutputSpec>{{c.attrs.get<DType>("dtype"), c.attrs.get<Shape>("shape")}};
}

Specs Drawn(const InferContext& c) {
  if (c.attrs.get<Shape>("shape").IsFullyDefined()) return OfAttrs(c);
  return absl::InvalidArgumentError(
      absl::StrCat("Dimensions of ", c.attrs.get<Shape>("shape").ToString(), " must be >= 0"));
}

absl::Status ConstKernel(KernelContext& ctx) {
  ctx.Share(ctx.attrs.tensor("value"));
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> SourceOps() {
  return {
      {.name = "Const", .infer = OfValue, .kernel = ConstKernel},
      {.name = "Placeholder", .infer = OfAttrs, .stateful = true},
      {.name = "RandomUniform", .infer = Drawn, .kernel = kernels::RandomUniform, .stateful = true},
      {.name = "RandomStandardNormal",
       .infer = Drawn,
       .kernel = kernels::RandomNormal,
       .stateful = true},
  };
}

}  // namespace internal

using internal::MakeConstant;
using internal::MakeOp;
using internal::NameOr;

Output constant(const Tensor& value, const std::string& name) {
  return MakeConstant(value, NameOr(name, "Const"));
}
Output internal::ConstantOf(const Input& number, std::optional<DType> dtype,
                            const std::string& name) {
  return ToOutput(number, NameOr(name, "Const"), dtype);
}
Output constant(std::initializer_list<float> values, const std::string& name) {
  return constant(Tensor::Of<float>(Shape{static_cast<int64_t>(values.size())}, values), name);
}

Output placeholder(DType dtype, const Shape& shape, const std::string& name) {
  return MakeOp("Placeholder", NameOr(name, "Placeholder"), {},
                {{"dtype", dtype}, {"shape", shape}});
}

namespace {

Output Filled(const Shape& shape, DType dtype, double value, const std::string& name) {
  if (!shape.IsFullyDefined()) {
    throw ValueError(
        absl::StrCat("Fill dimensions must be >= 0 for '", name, "' of shape ", shape.ToString()));
  }
  internal::CheckDType(dtype);
  absl::StatusOr<Tensor> tensor = TryAllocate(dtype, shape);
  if (!tensor.ok()) {
    throw ResourceExhaustedError(
        absl::StrCat("'", name, "' of shape ", shape.ToString(), ": ", tensor.status().message()));
  }
  Fill(*tensor, value);
  return MakeConstant(*tensor, name);
}

}  // namespace

Output zeros(const Shape& shape, DType dtype, const std::string& name) {
  return Filled(shape, dtype, 0, NameOr(name, "zeros"));
}
Output ones(const Shape& shape, DType dtype, const std::string& name) {
  return Filled(shape, dtype, 1, NameOr(name, "ones"));
}

Output random_uniform(const Shape& shape, double minval, double maxval, const std::string& name) {
  return MakeOp(
      "RandomUniform", NameOr(name, "random_uniform"), {},
      {{"dtype", DType::kFloat32}, {"shape", shape}, {"minval", minval}, {"maxval", maxval}});
}
Output random_normal(const Shape& shape, double mean, double stddev, const std::string& name) {
  return MakeOp("RandomStandardNormal", NameOr(name, "random_normal"), {},
                {{"dtype", DType::kFloat32}, {"shape", shape}, {"mean", mean}, {"stddev", stddev}});
}

Output convert_to_tensor(const Input& value, const std::string& name) {
  return internal::ToOutput(value, NameOr(name, "Const"));
}

}  // namespace varscope
