// How a variable gets its first value. The server computes it; the worker only says how.
#ifndef VARSCOPE_INITIALIZERS_H_
#define VARSCOPE_INITIALIZERS_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "varscope/graph.h"
#include "varscope/initializer_spec.h"
#include "varscope/tensor.h"

namespace varscope {

using Seed = std::optional<uint64_t>;

// A specification that the server carries out (the functions below), a value that the worker gives,
// or a symbolic value that the worker computes when it runs global_variables_initializer().
class Initializer {
 public:
  Initializer(InitializerSpec spec) : source_(std::move(spec)) {}
  Initializer(Tensor value) : source_(std::move(value)) {}
  Initializer(Output value) : source_(value) {}
  Initializer(double value) : source_(Tensor::Scalar(static_cast<float>(value))) {}
  Initializer(std::initializer_list<double> values);

  const InitializerSpec* spec() const { return std::get_if<InitializerSpec>(&source_); }
  const Tensor* value() const { return std::get_if<Tensor>(&source_); }
  const Output* output() const { return std::get_if<Output>(&source_); }

 private:
  std::variant<InitializerSpec, Tensor, Output> source_;
};

Initializer zeros_initializer();
Initializer ones_initializer();
Initializer constant_initializer(double value);
Initializer random_uniform_initializer(double minval = 0, double maxval = 1, Seed seed = {});
Initializer random_normal_initializer(double mean = 0, double stddev = 1, Seed seed = {});
// Redrawn beyond two standard deviations.
Initializer truncated_normal_initializer(double mean = 0, double stddev = 1, Seed seed = {});
// Glorot, Bengio 2010.
Initializer glorot_uniform_initializer(Seed seed = {});
Initializer glorot_normal_initializer(Seed seed = {});
// mode: fan_in, fan_out, fan_avg; distribution: truncated_normal, untruncated_normal, uniform.
Initializer variance_scaling_initializer(double scale = 1, const std::string& mode = "fan_in",
                                         const std::string& distribution = "truncated_normal",
                                         Seed seed = {});
// Saxe, McClelland, Ganguli 2013; the shape must have at least two dimensions.
Initializer orthogonal_initializer(double gain = 1, Seed seed = {});
Initializer identity_initializer(double gain = 1);

}  // namespace varscope

#endif  // VARSCOPE_INITIALIZERS_H_
