// Distributions that draw again what they reject, by TensorFlow's algorithms: each sample has
// blocks of its own. Gamma: Marsaglia, Tsang: "A Simple Method for Generating Gamma Variables", ACM
// TOMS 2000. Poisson: Knuth: "The Art of Computer Programming", volume 2; from a rate of 10 on
// Hormann: "The transformed rejection method for generating Poisson random variables", 1993.
#include <cmath>
#include <limits>
#include <unsupported/Eigen/SpecialFunctions>

#include "absl/status/status.h"
#include "client/kernels/elementwise.h"
#include "client/kernels/philox_numbers.h"

namespace varscope::internal::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Numbers of one kind, the two of a block from its end.
class Pairs {
 public:
  using Make = void (*)(const Philox::Block&, double*);
  explicit Pairs(Make make) : make_(make) {}
  double Next(Philox& philox) {
    if (left_ == 0) {
      make_(philox.Next(), pair_);
      left_ = 2;
    }
    return pair_[--left_];
  }

 private:
  Make make_;
  double pair_[2] = {};
  int left_ = 0;
};

// The blocks of one sample.
class Source {
 public:
  explicit Source(const Philox& philox) : philox_(philox) {}
  double Uniform() { return uniform_.Next(philox_); }
  double Normal() { return normal_.Next(philox_); }

 private:
  Philox philox_;
  Pairs uniform_{internal::Uniform<double>};
  Pairs normal_{internal::Normal<double>};
};

double Gamma(Source& source, double alpha) {
  if (alpha == 1) return -std::log1p(-source.Uniform());
  // Below 1: a number for alpha + 1, made smaller.
  const bool below = alpha < 1;
  const double d = alpha + (below ? 2.0 / 3 : -1.0 / 3);
  const double c = 1.0 / 3 / std::sqrt(d);
  while (true) {
    const double x = source.Normal();
    double v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    const double u = source.Uniform();
    if (u < 1 - 0.0331 * (x * x) * (x * x) ||
        std::log(u) < 0.5 * x * x + d * (1 - v + std::log(v))) {
      return below ? d * v * std::pow(source.Uniform(), 1 / alpha) : d * v;
    }
  }
}

double FewEvents(Source& source, double rate, double most) {
  const double end = std::exp(-rate);
  double product = 1;
  for (double count = 0;; ++count) {
    product *= source.Uniform();
    if (product <= end && count <= most) return count;
  }
}

double LogFactorial(double k) {
  int sign = 0;
  return ::lgamma_r(k + 1, &sign);
}

// Requires a rate below `most`: of a larger one hardly a number would fit.
double ManyEvents(Source& source, double rate, double most) {
  const double log_rate = std::log(rate);
  const double b = 0.931 + 2.53 * std::sqrt(rate);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  while (true) {
    const double u = source.Uniform() - 0.5;
    const double v = source.Uniform();
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + rate + 0.43);
    // The largest int64_t is not a double: `most` is above it, and would not fit.
    if (k >= most) continue;
    if (us >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2)) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const double s = std::log(v * inverse_alpha / (a / (us * us) + b));
    if (s <= -rate + k * log_rate - LogFactorial(k)) return k;
  }
}

// At most the largest number of the result's type, and that for a larger rate, of which TensorFlow
// draws for ever; 0 for a negative one.
template <typename T>
T Poisson(Source& source, double rate) {
  using Limits = std::numeric_limits<T>;
  constexpr auto kMost = static_cast<double>(Limits::max());
  if (rate == kInfinity && Limits::has_infinity) return Limits::infinity();
  if (rate >= kMost) return Limits::max();
  return static_cast<T>(rate < 10 ? FewEvents(source, rate, kMost)
                                  : ManyEvents(source, rate, kMost));
}

// out[sample, parameter] = draw(source, parameter), of which the samples of a parameter are
// numbered before those of the next one.
template <typename T, typename P, typename Draw>
void FillSamples(KernelContext& ctx, const Philox& philox, Draw draw) {
  const Tensor& parameters = ctx.in(1);
  Tensor& out = ctx.Allocate();
  if (out.num_elements() == 0) return;
  const int64_t count = parameters.num_elements();
  const int64_t samples = out.num_elements() / count;
  const P* const from = parameters.data<P>();
  T* const to = out.mutable_data<T>();
  ctx.device.ParallelFor(out.num_elements(), 400, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Philox own = philox;
      own.Skip(static_cast<uint64_t>(i) * kBlocksOfAnElement);
      Source source(own);
      to[i % samples * count + i / samples] =
          static_cast<T>(draw(source, static_cast<double>(from[i / samples])));
    }
  });
}

// InvalidArgument for a parameter below `least`, or NaN, of which a sample would never be found.
template <typename P>
absl::Status CheckParameters(const Tensor& parameters, absl::string_view name, double least) {
  for (const P parameter : parameters.values<P>()) {
    if (static_cast<double>(parameter) >= least) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("no number can be drawn: ", name, " is ", static_cast<double>(parameter)));
  }
  return absl::OkStatus();
}

template <typename P>
absl::Status PoissonOf(KernelContext& ctx) {
  if (absl::Status s = CheckParameters<P>(ctx.in(1), "the rate", -kInfinity); !s.ok()) return s;
  const Philox philox = StreamOf(ctx);
  return VisitComputedNumbers(ctx.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    FillSamples<T, P>(ctx, philox, Poisson<T>);
  });
}

}  // namespace

absl::Status PhiloxGamma(KernelContext& ctx) {
  absl::Status drawn;
  absl::Status known = VisitComputedFloats(ctx.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    drawn = CheckParameters<T>(ctx.in(1), "alpha", 0);
    if (drawn.ok()) FillSamples<T, T>(ctx, StreamOf(ctx), Gamma);
  });
  return known.ok() ? drawn : known;
}
absl::Status PhiloxPoisson(KernelContext& ctx) {
  absl::Status drawn;
  absl::Status known = VisitComputedFloats(
      ctx.in(1).dtype(), [&](auto tag) { drawn = PoissonOf<typename decltype(tag)::type>(ctx); });
  return known.ok() ? drawn : known;
}
absl::Status GammaSlope(KernelContext& ctx) {
  return Arithmetic<true>(
      ctx,
      [](auto alpha, auto sample) { return Eigen::numext::gamma_sample_der_alpha(alpha, sample); },
      500);
}

}  // namespace varscope::internal::kernels
