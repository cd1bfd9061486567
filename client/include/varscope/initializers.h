// How a variable gets its initial value. The server computes it; the worker only says how.
#ifndef VARSCOPE_INITIALIZERS_H_
#define VARSCOPE_INITIALIZERS_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "varscope/graph.h"
#include "varscope/initializer_spec.h"
#include "varscope/number.h"
#include "varscope/tensor.h"

namespace varscope {

// The seed of random numbers. Equal seeds give equal values for one shape and dtype; the parts of a
// partitioned variable differ. Absent: the server draws one.
using Seed = std::optional<uint64_t>;

// A specification that the server carries out (the functions below), a value that the worker gives,
// or a symbolic value that the worker computes when it runs global_variables_initializer(). The
// conversions are implicit: Variable(0.5). A value; nothing is checked before a variable is
// defined.
class Initializer {
 public:
  Initializer(InitializerSpec spec) : source_(std::move(spec)) {}
  // Shares the tensor's bytes, which must not be written any more.
  Initializer(Tensor value) : source_(std::move(value)) {}
  // An Output keeps its graph alive.
  Initializer(Output value) : source_(value) {}
  // A scalar, of the dtype that Variable() is given, else of its own: see number.h.
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  Initializer(T number) : source_(Number(number)) {}
  // A vector [n], of the dtype that Variable() is given, else float32: also of integers, which
  // TensorFlow makes int32.
  Initializer(std::initializer_list<double> values) : source_(std::vector<double>(values)) {}

  // These return what it is; null for all but one. Valid as long as the Initializer.
  const InitializerSpec* spec() const { return std::get_if<InitializerSpec>(&source_); }
  const Tensor* value() const { return std::get_if<Tensor>(&source_); }
  const Output* output() const { return std::get_if<Output>(&source_); }
  const Number* number() const { return std::get_if<Number>(&source_); }
  const std::vector<double>* numbers() const { return std::get_if<std::vector<double>>(&source_); }

 private:
  std::variant<InitializerSpec, Tensor, Output, Number, std::vector<double>> source_;
};

// These return specifications, as TensorFlow's of the same names. Numbers are computed in float64
// and rounded to the variable's dtype. The server checks them when the variable is defined, and
// refuses with InvalidArgumentError a number that is not finite, and a dtype or shape that they
// cannot make.

// For every dtype.
Initializer zeros_initializer();
Initializer ones_initializer();
Initializer constant_initializer(double value);
// From minval up to maxval. Floating dtypes, int32 and int64; whole numbers for the latter.
Initializer random_uniform_initializer(double minval = 0, double maxval = 1, Seed seed = {});
// The rest but identity_initializer() make floating dtypes only.
//
// A normal distribution.
Initializer random_normal_initializer(double mean = 0, double stddev = 1, Seed seed = {});
// The same, redrawn beyond two standard deviations.
Initializer truncated_normal_initializer(double mean = 0, double stddev = 1, Seed seed = {});
// Variance 2 / (fan_in + fan_out), uniform or truncated normal. Glorot, Bengio 2010. As TensorFlow
// counts, fan_in and fan_out are the last two dimensions, each times the product of those before;
// of a vector both are its length, of a scalar 1. Parts count as the whole variable does.
Initializer glorot_uniform_initializer(Seed seed = {});
Initializer glorot_normal_initializer(Seed seed = {});
// Variance scale / fan. `mode`, which fan: fan_in, fan_out, fan_avg (their mean). `distribution`:
// truncated_normal, untruncated_normal, uniform. `scale` is above 0.
Initializer variance_scaling_initializer(double scale = 1, const std::string& mode = "fan_in",
                                         const std::string& distribution = "truncated_normal",
                                         Seed seed = {});
// A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`. Saxe,
// McClelland, Ganguli 2013. The shape must have at least two dimensions; all but the last are the
// rows. At most 4096 rows and columns.
Initializer orthogonal_initializer(double gain = 1, Seed seed = {});
// `gain` on the diagonal, else 0. For every dtype; the shape must have two dimensions.
Initializer identity_initializer(double gain = 1);

}  // namespace varscope

#endif  // VARSCOPE_INITIALIZERS_H_
