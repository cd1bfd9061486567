// Random numbers with TensorFlow's seeds.
#include "varscope/random.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/by_values.h"
#include "client/graph/ops/value_families.h"
#include "client/kernels/philox.h"
#include "varscope/ops.h"

namespace varscope {
namespace internal {
namespace {

Specs DrawnShape(const InferContext& c) {
  const absl::StatusOr<Shape> shape = ShapeInput(c, 0);
  if (!shape.ok()) return shape.status();
  return std::vector<OutputSpec>{{c.attrs.get<DType>("dtype"), *shape}};
}
Specs DrawnFloats(const InferContext& c) {
  const DType dtype = c.attrs.get<DType>("dtype");
  if (TakesGradients(dtype)) return DrawnShape(c);
  return absl::InvalidArgumentError(
      absl::StrCat("the dtype is ", Name(dtype), ", expected float32 or float64"));
}
// (shape, minval, maxval).
Specs DrawnIntegers(const InferContext& c) {
  const DType dtype = c.attrs.get<DType>("dtype");
  for (int i : {1, 2}) {
    if (!IsIndex(dtype) || c.dtype(i) != dtype) {
      return absl::InvalidArgumentError(absl::StrCat("minval and maxval are ", Name(c.dtype(i)),
                                                     " for ", Name(dtype),
                                                     ", expected int32 or int64"));
    }
    if (!c.shape(i).known_rank() || c.shape(i).rank() == 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("minval and maxval must be scalars, not ", c.shape(i).ToString()));
  }
  return DrawnShape(c);
}
// (shape, parameters).
Specs DrawnFor(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 1); !s.ok()) return s;
  const absl::StatusOr<Shape> shape = ShapeInput(c, 0);
  if (!shape.ok()) return shape.status();
  const DType dtype = c.attrs.get<DType>("dtype");
  if (!TakesGradients(dtype) && !IsIndex(dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the dtype is ", Name(dtype), ", expected float32, float64, int32 or int64"));
  }
  if (!shape->known_rank() || !c.shape(1).known_rank()) {
    return std::vector<OutputSpec>{{dtype, Shape::Unknown()}};
  }
  std::vector<int64_t> dims = shape->dims();
  dims.insert(dims.end(), c.shape(1).dims().begin(), c.shape(1).dims().end());
  return std::vector<OutputSpec>{{dtype, Shape(std::move(dims))}};
}
std::vector<Gradient> GammaGrad(const GradContext& c) {
  const Output slope = MakeOp("RandomGammaGrad", "RandomGammaGrad", {c.x(1), c.y()});
  return {None(), Dense(SumTo(multiply(c.dy(), slope), c.x(1)))};
}

Specs DrawnClasses(const InferContext& c) {
  if (absl::Status s = CheckFloat(c, 0); !s.ok()) return s;
  const Shape& logits = c.shape(0);
  if (logits.known_rank() && logits.rank() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("logits should be a matrix, got shape ", logits.ToString()));
  }
  const int64_t samples = c.attrs.integer("num_samples");
  if (samples < 0) return absl::InvalidArgumentError("num_samples should be nonnegative");
  return std::vector<OutputSpec>{
      {c.attrs.get<DType>("dtype"), Shape{logits.known_rank() ? logits.dim(0) : -1, samples}}};
}

OpDef Random(absl::string_view name, InferFn infer, KernelFn kernel, bool by_values) {
  return {.name = name,
          .infer = infer,
          .kernel = kernel,
          .gradient = NotDifferentiable,
          .stateful = true,
          .by_values = by_values};
}

OpDef PhiloxGammaOp() {
  OpDef gamma = Random("PhiloxGamma", DrawnFor, kernels::PhiloxGamma, true);
  gamma.gradient = GammaGrad;
  return gamma;
}

}  // namespace

std::vector<OpDef> RandomOps() {
  return {
      Random("PhiloxUniform", DrawnFloats, kernels::PhiloxUniform, true),
      Random("PhiloxNormal", DrawnFloats, kernels::PhiloxNormal, true),
      Random("PhiloxTruncatedNormal", DrawnFloats, kernels::PhiloxTruncatedNormal, true),
      Random("PhiloxUniformInt", DrawnIntegers, kernels::PhiloxUniformInt, true),
      PhiloxGammaOp(),
      Random("PhiloxPoisson", DrawnFor, kernels::PhiloxPoisson, true),
      {.name = "RandomGammaGrad", .infer = BroadcastOfFloats, .kernel = kernels::GammaSlope},
      Random("RandomShuffle", SameAsInput, kernels::RandomShuffle, false),
      Random("Multinomial", DrawnClasses, kernels::Multinomial, false),
  };
}

namespace {

Attrs SeedAttrs(DType dtype, RandomSeed seed) {
  return {{"dtype", dtype}, {"seed", seed.seed}, {"seed2", seed.seed2}};
}

// scale * a number of the standard distribution + shift.
Output Scaled(const char* op, const char* op_name, const Output& shape, const Output& scale,
              const Output& shift, RandomSeed seed, const std::string& name) {
  const Output drawn = MakeOp(op, op_name, {shape}, SeedAttrs(scale.dtype(), seed));
  return add(multiply(drawn, scale, "mul"), shift, name);
}

Output NormalOf(const char* op, const char* op_name, const char* function, const Input& shape,
                DType dtype, const Input& mean, const Input& stddev, RandomSeed seed,
                const std::string& name) {
  const FunctionScope scope(name, function, {&shape});
  const Output dims = ToOutput(shape, "shape", DType::kInt32);
  const Output shift = ToOutput(mean, "mean", dtype);
  const Output scale = ToOutput(stddev, "stddev", dtype);
  return Scaled(op, op_name, dims, scale, shift, seed, scope.name());
}

}  // namespace
}  // namespace internal

using internal::MakeOp;
using internal::ToOutput;

Output random_uniform(const Input& shape, DType dtype, const Input& minval, const Input& maxval,
                      RandomSeed seed, const std::string& name) {
  const internal::FunctionScope scope(name, "random_uniform", {&shape});
  const Output dims = ToOutput(shape, "shape", DType::kInt32);
  const Output low = ToOutput(minval, "min", dtype);
  const Output high = ToOutput(maxval, "max", dtype);
  if (IsInteger(dtype)) {
    return MakeOp("PhiloxUniformInt", scope.name(), {dims, low, high},
                  internal::SeedAttrs(dtype, seed));
  }
  return internal::Scaled("PhiloxUniform", "RandomUniform", dims, subtract(high, low, "sub"), low,
                          seed, scope.name());
}
Output random_normal(const Input& shape, DType dtype, const Input& mean, const Input& stddev,
                     RandomSeed seed, const std::string& name) {
  return internal::NormalOf("PhiloxNormal", "RandomStandardNormal", "random_normal", shape, dtype,
                            mean, stddev, seed, name);
}
Output truncated_normal(const Input& shape, DType dtype, const Input& mean, const Input& stddev,
                        RandomSeed seed, const std::string& name) {
  return internal::NormalOf("PhiloxTruncatedNormal", "TruncatedNormal", "truncated_normal", shape,
                            dtype, mean, stddev, seed, name);
}
Output random_gamma(const Input& shape, const Input& alpha, RandomSeed seed,
                    const std::string& name) {
  const Output dims = ToOutput(shape, "shape", DType::kInt32);
  const Output parameters = ToOutput(alpha, "alpha");
  return MakeOp("PhiloxGamma", internal::NameOr(name, "RandomGamma"), {dims, parameters},
                internal::SeedAttrs(parameters.dtype(), seed));
}
Output random_poisson(const Input& shape, const Input& rate, DType dtype, RandomSeed seed,
                      const std::string& name) {
  const internal::FunctionScope scope(name, "random_poisson", {&shape, &rate});
  const Output dims = ToOutput(shape, "shape", DType::kInt32);
  return MakeOp("PhiloxPoisson", "RandomPoissonV2", {dims, ToOutput(rate, "lam")},
                internal::SeedAttrs(dtype, seed));
}
Output random_shuffle(const Input& x, RandomSeed seed, const std::string& name) {
  const Output value = ToOutput(x, "value");
  return MakeOp("RandomShuffle", internal::NameOr(name, "RandomShuffle"), {value},
                internal::SeedAttrs(value.dtype(), seed));
}
Output multinomial(const Input& logits, int64_t num_samples, RandomSeed seed, DType dtype,
                   const std::string& name) {
  const internal::FunctionScope scope(name, "multinomial", {&logits});
  internal::Attrs attrs = internal::SeedAttrs(dtype, seed);
  attrs.Set("num_samples", num_samples);
  return MakeOp("Multinomial", "Multinomial", {ToOutput(logits, "logits")}, attrs);
}

}  // namespace varscope
