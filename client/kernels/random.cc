#include <random>

#include "absl/status/status.h"
#include "client/kernels/kernels.h"

namespace varscope::internal::kernels {
namespace {

// shift + scale * a number of the standard distribution. Any shift and scale will do, which the
// standard library's distributions do not say of their parameters.
template <typename Standard>
absl::Status Draw(KernelContext& ctx, Standard standard, double shift, double scale) {
  Tensor& out = ctx.Allocate();
  std::mt19937_64 generator(ctx.device.NextSeed());
  for (float& x : out.mutable_values<float>()) {
    x = static_cast<float>(shift + scale * standard(generator));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RandomUniform(KernelContext& ctx) {
  const double minval = ctx.attrs.real("minval");
  return Draw(ctx, std::uniform_real_distribution<double>(), minval,
              ctx.attrs.real("maxval") - minval);
}
absl::Status RandomNormal(KernelContext& ctx) {
  return Draw(ctx, std::normal_distribution<double>(), ctx.attrs.real("mean"),
              ctx.attrs.real("stddev"));
}

}  // namespace varscope::internal::kernels
