#include "server/catalog/initializers.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/naming/names.h"
#include "proto/tensor/elements.h"
#include "server/catalog/philox.h"

namespace varscope::server {
namespace {

// Orthogonal costs rows * columns^2; this keeps one request within seconds.
constexpr int64_t kMaxOrthogonalSide = 4096;

constexpr bool IsAny(DType) { return true; }
// As TensorFlow's random_uniform.
constexpr bool IsUniform(DType dtype) { return IsFloating(dtype) || IsIndex(dtype); }

struct Kind {
  absl::string_view name;
  std::initializer_list<absl::string_view> parameters;
  bool (*makes)(DType);
};

constexpr std::initializer_list<absl::string_view> kNone = {};
const Kind kKinds[] = {
    {"zeros", kNone, IsAny},
    {"ones", kNone, IsAny},
    {"constant", {"value"}, IsAny},
    {"value", kNone, IsAny},
    {"identity", {"gain"}, IsAny},
    {"random_uniform", {"minval", "maxval"}, IsUniform},
    {"random_normal", {"mean", "stddev"}, IsFloating},
    {"truncated_normal", {"mean", "stddev"}, IsFloating},
    {"glorot_uniform", kNone, IsFloating},
    {"glorot_normal", kNone, IsFloating},
    {"variance_scaling", {"scale"}, IsFloating},
    {"orthogonal", {"gain"}, IsFloating},
};

const Kind* FindKind(absl::string_view name) {
  const auto it = std::find_if(std::begin(kKinds), std::end(kKinds),
                               [&](const Kind& kind) { return kind.name == name; });
  return it == std::end(kKinds) ? nullptr : it;
}

// Glorot, Bengio 2010. As TensorFlow counts: a convolution's receptive field multiplies both.
struct Fans {
  double in;
  double out;
};
Fans ComputeFans(const Shape& shape) {
  if (shape.rank() == 0) return {1, 1};
  if (shape.rank() == 1)
    return {static_cast<double>(shape.dim(0)), static_cast<double>(shape.dim(0))};
  double field = 1;
  for (int i = 0; i < shape.rank() - 2; ++i) field *= static_cast<double>(shape.dim(i));
  return {field * static_cast<double>(shape.dim(-2)), field * static_cast<double>(shape.dim(-1))};
}

// The deviation of a standard normal cut at two deviations.
constexpr double kTruncatedDeviation = .87962566103423978;

// Views: making it takes no memory.
struct Scaling {
  absl::string_view mode;
  absl::string_view distribution;
};
Scaling ScalingOf(const InitializerSpec& spec) {
  if (spec.kind == "glorot_uniform") return {"fan_avg", "uniform"};
  if (spec.kind == "glorot_normal") return {"fan_avg", "truncated_normal"};
  return {spec.mode, spec.distribution};
}

// What is filled, until somebody asks to stop.
struct Target {
  Tensor& tensor;
  const std::atomic<bool>& stop;
};

// Element i becomes value_at(i), rounded to the dtype.
template <typename Fn>
void FillEach(const Target& target, Fn&& value_at) {
  Tensor& tensor = target.tensor;
  std::array<double, 512> values;
  const size_t size = SizeOf(tensor.dtype());
  const auto total = static_cast<size_t>(tensor.num_elements());
  for (size_t begin = 0; begin < total && !target.stop; begin += values.size()) {
    const size_t n = std::min(values.size(), total - begin);
    for (size_t i = 0; i < n; ++i) values[i] = value_at(static_cast<int64_t>(begin + i));
    ConvertElements(DType::kFloat64, reinterpret_cast<const std::byte*>(values.data()),
                    tensor.dtype(), tensor.mutable_raw() + begin * size, static_cast<int64_t>(n));
  }
}

void FillVarianceScaling(const InitializerSpec& spec, const Philox& random, const Shape& full_shape,
                         const Target& target) {
  const Scaling scaling = ScalingOf(spec);
  const Fans fans = ComputeFans(full_shape);
  const double fan = scaling.mode == "fan_out"   ? fans.out
                     : scaling.mode == "fan_avg" ? (fans.in + fans.out) / 2
                                                 : fans.in;
  const double variance = spec.parameter("scale", 1) / std::max(1.0, fan);
  if (scaling.distribution == "uniform") {
    const double limit = std::sqrt(3 * variance);
    return FillEach(target, [&](int64_t i) { return limit * (2 * random.Uniform(i) - 1); });
  }
  if (scaling.distribution == "untruncated_normal") {
    const double stddev = std::sqrt(variance);
    return FillEach(target, [&](int64_t i) { return stddev * random.Normal(i); });
  }
  const double stddev = std::sqrt(variance) / kTruncatedDeviation;
  FillEach(target, [&](int64_t i) { return stddev * random.TruncatedNormal(i); });
}

// Q of the QR factorization of `a`, tall, in its place; the signs are those that make R's diagonal
// positive. A few columns at a time, so that it can be stopped. Its operations and their order do
// not depend on the processor.
void Orthogonalize(Eigen::MatrixXd& a, const std::atomic<bool>& stop) {
  // Eigen cuts products to the processor's caches, and sums in that order.
  constexpr std::ptrdiff_t kKiB = 1024;
  static const bool cuts_alike =
      (Eigen::setCpuCacheSizes(32 * kKiB, 1024 * kKiB, 8192 * kKiB), true);
  static_cast<void>(cuts_alike);
  constexpr Eigen::Index kColumns = 32;
  using Panel = Eigen::HouseholderQR<Eigen::MatrixXd>;
  std::vector<Panel> panels;
  Eigen::VectorXd signs(a.cols());
  for (Eigen::Index from = 0; from < a.cols() && !stop; from += kColumns) {
    const Eigen::Index n = std::min(kColumns, a.cols() - from);
    const Panel& panel = panels.emplace_back(a.block(from, from, a.rows() - from, n));
    for (Eigen::Index j = 0; j < n; ++j) signs(from + j) = panel.matrixQR()(j, j) < 0 ? -1 : 1;
    const Eigen::Index rest = a.cols() - from - n;
    if (rest == 0) break;
    a.bottomRightCorner(a.rows() - from, rest).applyOnTheLeft(panel.householderQ().adjoint());
  }
  a.setIdentity();
  for (Eigen::Index i = static_cast<Eigen::Index>(panels.size()); i-- > 0 && !stop;) {
    const Eigen::Index from = i * kColumns;
    a.bottomRightCorner(a.rows() - from, a.cols() - from)
        .applyOnTheLeft(panels[static_cast<size_t>(i)].householderQ());
  }
  for (Eigen::Index j = 0; j < a.cols(); ++j) a.col(j) *= signs(j);
}

// As Saxe, McClelland and Ganguli 2013, of a normal matrix; all dimensions but the last are
// flattened into rows.
void FillOrthogonal(const InitializerSpec& spec, const Philox& random, const Target& target) {
  const Tensor& tensor = target.tensor;
  const int64_t columns = tensor.shape().dim(-1);
  const int64_t rows = columns == 0 ? 0 : tensor.num_elements() / columns;
  if (tensor.num_elements() == 0) return;
  Eigen::MatrixXd q(std::max(rows, columns), std::min(rows, columns));
  for (int64_t i = 0; i < q.size() && !target.stop; ++i) q.data()[i] = random.Normal(i);
  Orthogonalize(q, target.stop);
  if (rows < columns) q.transposeInPlace();
  const double gain = spec.parameter("gain", 1);
  FillEach(target, [&](int64_t i) { return gain * q(i / columns, i % columns); });
}

void FillRandom(const InitializerSpec& spec, const Philox& random, const Shape& full_shape,
                const Target& target) {
  if (spec.kind == "random_uniform") {
    const double low = spec.parameter("minval", 0);
    const double width = spec.parameter("maxval", 1) - low;
    const bool whole = IsInteger(target.tensor.dtype());
    return FillEach(target, [&](int64_t i) {
      const double x = low + width * random.Uniform(i);
      return whole ? std::floor(x) : x;
    });
  }
  if (spec.kind == "orthogonal") return FillOrthogonal(spec, random, target);
  if (spec.kind != "random_normal" && spec.kind != "truncated_normal") {
    return FillVarianceScaling(spec, random, full_shape, target);
  }
  const double mean = spec.parameter("mean", 0);
  const double stddev = spec.parameter("stddev", 1);
  const bool truncated = spec.kind == "truncated_normal";
  FillEach(target, [&](int64_t i) {
    return mean + stddev * (truncated ? random.TruncatedNormal(i) : random.Normal(i));
  });
}

// Whether the dtype has that number, rounded. What a random integer stays below may be one more.
bool HasNumber(DType dtype, double value, bool exclusive) {
  if (dtype == DType::kBool) return true;  // which of the two it is, is told by 0
  bool has = false;
  VisitDType(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Limits = std::numeric_limits<T>;
    if constexpr (IsFloating(kDTypeOf<T>)) {
      has = std::abs(value) <= static_cast<double>(Limits::max());
    } else {
      const double end = std::ldexp(1.0, Limits::digits);
      has = value >= static_cast<double>(Limits::lowest()) &&
            (value < end || (exclusive && value == end));
    }
  });
  return has;
}

// No element that a random kind makes is further from 0, whatever the shape and the seed.
double FurthestOf(const InitializerSpec& spec) {
  constexpr double kNormal = 7;  // Philox::Normal stays below 6.7
  if (spec.kind == "random_uniform") {
    const double low = spec.parameter("minval", 0);
    const double width = spec.parameter("maxval", 1) - low;
    return std::max(std::abs(low), std::abs(low + width));
  }
  if (spec.kind == "random_normal" || spec.kind == "truncated_normal") {
    return std::abs(spec.parameter("mean", 0)) + kNormal * std::abs(spec.parameter("stddev", 1));
  }
  if (spec.kind == "variance_scaling") {
    // Fans only make it less.
    return kNormal / kTruncatedDeviation * std::sqrt(3 * spec.parameter("scale", 1));
  }
  // Rounding may make a unit vector longer.
  if (spec.kind == "orthogonal") return 1.001 * std::abs(spec.parameter("gain", 1));
  return 0;
}

absl::Status ValidateParameters(const InitializerSpec& spec, const Kind& kind, DType dtype) {
  for (const auto& [name, value] : spec.parameters) {
    const bool known =
        std::find(kind.parameters.begin(), kind.parameters.end(), name) != kind.parameters.end();
    if (!known) {
      return absl::InvalidArgumentError(
          absl::StrCat("initializer ", spec.kind, " takes no parameter '", Printable(name),
                       "', only: ", absl::StrJoin(kind.parameters, ", ")));
    }
    if (!std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("initializer ", spec.kind, ": ", name, " is not finite"));
    }
    // Which is no element's value.
    if (name == "scale" || HasNumber(dtype, value, name == "maxval")) continue;
    return absl::InvalidArgumentError(absl::StrCat("initializer ", spec.kind, ": ", name, " is ",
                                                   value, ", which ", Name(dtype), " has not"));
  }
  if (!IsFloating(dtype) || HasNumber(dtype, FurthestOf(spec), false)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("initializer ", spec.kind, ": with these parameters some elements are beyond ",
                   Name(dtype), ": make them smaller"));
}

}  // namespace

absl::Status ValidateInitializerTexts(const InitializerSpec& spec) {
  if (FindKind(spec.kind) == nullptr) {
    const auto name = [](std::string* out, const Kind& k) { absl::StrAppend(out, k.name); };
    return absl::InvalidArgumentError(
        absl::StrCat("unknown initializer '", Printable(spec.kind.substr(0, 64)),
                     "'; known: ", absl::StrJoin(kKinds, ", ", name)));
  }
  for (const auto& [what, allowed] :
       {std::pair{&spec.mode, absl::string_view(",,fan_in,fan_out,fan_avg,")},
        std::pair{&spec.distribution,
                  absl::string_view(",,truncated_normal,untruncated_normal,uniform,")}}) {
    const bool known = what->size() <= 64 &&
                       allowed.find(absl::StrCat(",", *what, ",")) != absl::string_view::npos;
    if (known) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("initializer ", spec.kind, ": '", Printable(what->substr(0, 64)),
                     "' is not one of ", allowed.substr(2, allowed.size() - 3)));
  }
  return absl::OkStatus();
}

absl::Status ValidateInitializer(const InitializerSpec& spec, DType dtype, const Shape& shape) {
  if (absl::Status status = ValidateInitializerTexts(spec); !status.ok()) return status;
  const Kind* const kind = FindKind(spec.kind);
  if (!kind->makes(dtype)) {
    std::vector<std::string> names;
    for (const DTypeInfo& info : kDTypes) {
      if (kind->makes(info.dtype)) names.push_back(info.name);
    }
    return absl::InvalidArgumentError(absl::StrCat("initializer ", spec.kind, " cannot make ",
                                                   Name(dtype), " values, only ",
                                                   absl::StrJoin(names, ", ")));
  }
  if (absl::Status status = ValidateParameters(spec, *kind, dtype); !status.ok()) return status;
  const bool square = spec.kind == "orthogonal" || spec.kind == "identity";
  if (square && (shape.rank() < 2 || (spec.kind == "identity" && shape.rank() != 2))) {
    return absl::InvalidArgumentError(
        absl::StrCat("initializer ", spec.kind, " needs a matrix, not shape ", shape.ToString()));
  }
  if (spec.kind == "orthogonal") {
    const int64_t columns = std::max<int64_t>(shape.dim(-1), 1);
    if (columns > kMaxOrthogonalSide || shape.num_elements() / columns > kMaxOrthogonalSide) {
      return absl::InvalidArgumentError(absl::StrCat("initializer orthogonal makes at most ",
                                                     kMaxOrthogonalSide, " rows and columns"));
    }
  }
  if (spec.kind == "variance_scaling") {
    if (spec.mode.empty() || spec.distribution.empty()) {
      return absl::InvalidArgumentError(
          "initializer variance_scaling: '' is not one of its modes, or distributions");
    }
    if (spec.parameter("scale", 1) <= 0) {
      return absl::InvalidArgumentError("initializer variance_scaling: scale must be positive");
    }
  }
  if (spec.kind == "value" &&
      (!spec.value.defined() || spec.value.dtype() != dtype || spec.value.shape() != shape)) {
    return absl::InvalidArgumentError("the initial value's bytes do not fit the dtype and shape");
  }
  return absl::OkStatus();
}

bool CanInitialize(const InitializerSpec& spec, DType dtype, const Shape& shape) {
  const Kind* const kind = FindKind(spec.kind);
  if (kind == nullptr || !kind->makes(dtype)) return false;
  if (spec.kind == "identity") return shape.rank() == 2;
  if (spec.kind == "orthogonal") return shape.rank() >= 2;
  return spec.kind != "value" ||
         (spec.value.defined() && spec.value.dtype() == dtype && spec.value.shape() == shape);
}

bool Computes(const InitializerSpec& spec) {
  return spec.kind != "zeros" && spec.kind != "ones" && spec.kind != "constant" &&
         spec.kind != "value" && spec.kind != "identity";
}

uint64_t WorkingBytes(const InitializerSpec& spec, const Shape& shape) {
  // The matrix, and the panels that it was taken apart into, as doubles.
  return spec.kind == "orthogonal" ? 2 * sizeof(double) * shape.num_elements() : 0;
}

uint64_t CostOf(const InitializerSpec& spec, const Shape& shape) {
  const auto elements = static_cast<uint64_t>(shape.num_elements());
  if (spec.kind != "orthogonal" || elements == 0) return elements;
  const auto columns = static_cast<uint64_t>(shape.dim(-1));
  return elements * std::min(columns, elements / columns);
}

void Initialize(const InitializerSpec& spec, uint64_t seed, const Shape& full_shape, Tensor& tensor,
                const std::atomic<bool>& stop) {
  if (spec.kind == "zeros") {
    std::memset(tensor.mutable_raw(), 0, tensor.byte_size());
    return;
  }
  if (spec.kind == "value") {
    std::memcpy(tensor.mutable_raw(), spec.value.raw(), tensor.byte_size());
    return;
  }
  if (spec.kind == "ones") return Fill(tensor, 1);
  if (spec.kind == "constant") return Fill(tensor, spec.parameter("value", 0));
  if (spec.kind == "identity") {
    const int64_t columns = tensor.shape().dim(1);
    const double gain = spec.parameter("gain", 1);
    return FillEach({tensor, stop},
                    [&](int64_t i) { return i / columns == i % columns ? gain : 0.0; });
  }
  FillRandom(spec, Philox(seed), full_shape, {tensor, stop});
}

}  // namespace varscope::server
