#include "varscope/initializers.h"

namespace varscope {
namespace {

InitializerSpec Spec(const std::string& kind, std::map<std::string, double> parameters,
                     Seed seed = {}) {
  return {.kind = kind, .parameters = std::move(parameters), .seed = seed};
}

}  // namespace

Initializer zeros_initializer() { return Spec("zeros", {}); }
Initializer ones_initializer() { return Spec("ones", {}); }
Initializer constant_initializer(double value) { return Spec("constant", {{"value", value}}); }
Initializer random_uniform_initializer(double minval, double maxval, Seed seed) {
  return Spec("random_uniform", {{"minval", minval}, {"maxval", maxval}}, seed);
}
Initializer random_normal_initializer(double mean, double stddev, Seed seed) {
  return Spec("random_normal", {{"mean", mean}, {"stddev", stddev}}, seed);
}
Initializer truncated_normal_initializer(double mean, double stddev, Seed seed) {
  return Spec("truncated_normal", {{"mean", mean}, {"stddev", stddev}}, seed);
}
Initializer glorot_uniform_initializer(Seed seed) { return Spec("glorot_uniform", {}, seed); }
Initializer glorot_normal_initializer(Seed seed) { return Spec("glorot_normal", {}, seed); }
Initializer variance_scaling_initializer(double scale, const std::string& mode,
                                         const std::string& distribution, Seed seed) {
  InitializerSpec spec = Spec("variance_scaling", {{"scale", scale}}, seed);
  spec.mode = mode;
  spec.distribution = distribution;
  return spec;
}
Initializer orthogonal_initializer(double gain, Seed seed) {
  return Spec("orthogonal", {{"gain", gain}}, seed);
}
Initializer identity_initializer(double gain) { return Spec("identity", {{"gain", gain}}); }

}  // namespace varscope
