#include <random>

#include "absl/status/status.h"
#include "client/kernels/kernels.h"

namespace varscope::internal::kernels {
namespace {

template <typename Distribution>
absl::Status Draw(KernelContext& ctx, Distribution distribution) {
  Tensor& out = ctx.Allocate();
  std::mt19937_64 generator(ctx.device.NextSeed());
  for (float& x : out.mutable_values<float>()) x = static_cast<float>(distribution(generator));
  return absl::OkStatus();
}

}  // namespace

absl::Status RandomUniform(KernelContext& ctx) {
  return Draw(ctx, std::uniform_real_distribution<double>(ctx.attrs.real("minval"),
                                                          ctx.attrs.real("maxval")));
}
absl::Status RandomNormal(KernelContext& ctx) {
  return Draw(ctx,
              std::normal_distribution<double>(ctx.attrs.real("mean"), ctx.attrs.real("stddev")));
}

}  // namespace varscope::internal::kernels
