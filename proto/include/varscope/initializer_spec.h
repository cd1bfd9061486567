// How a variable gets its initial value: a description that the server carries out.
#ifndef VARSCOPE_INITIALIZER_SPEC_H_
#define VARSCOPE_INITIALIZER_SPEC_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "varscope/tensor.h"

namespace varscope {

// A value. Nothing here checks it: the server does when the variable is defined, and refuses an
// unknown kind or parameter, a parameter that is not finite, and a dtype or shape that the kind
// cannot make. varscope/initializers.h makes these, and says what each is. Thread-compatible.
struct InitializerSpec {
  // zeros, ones, constant, random_uniform, random_normal, truncated_normal, glorot_uniform,
  // glorot_normal, variance_scaling, orthogonal, identity; or "value".
  std::string kind;
  // By name, with the default of those that are absent. constant: value (0); random_uniform: minval
  // (0), maxval (1); random_normal and truncated_normal: mean (0), stddev (1); variance_scaling:
  // scale (1); orthogonal and identity: gain (1).
  std::map<std::string, double> parameters;
  std::string mode;              // variance_scaling: fan_in, fan_out, fan_avg
  std::string distribution;      // variance_scaling: truncated_normal, untruncated_normal, uniform
  std::optional<uint64_t> seed;  // of random kinds; absent: the server draws one
  Tensor value;                  // kind "value": the creator's, of the variable's dtype and shape

  // Returns that of parameters; `otherwise` when it is absent.
  double parameter(const std::string& name, double otherwise) const {
    const auto it = parameters.find(name);
    return it == parameters.end() ? otherwise : it->second;
  }
};

// Returns "random_uniform(maxval=1, minval=0)", for logs and listings. Two specifications that
// would give different values have different texts, except that values are told apart by a CRC-32,
// and parameters by six digits. Thread-safe.
std::string ToString(const InitializerSpec& spec);

}  // namespace varscope

#endif  // VARSCOPE_INITIALIZER_SPEC_H_
