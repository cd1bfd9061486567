// How a variable gets its first value: a description that the server carries out.
#ifndef VARSCOPE_INITIALIZER_SPEC_H_
#define VARSCOPE_INITIALIZER_SPEC_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "varscope/tensor.h"

namespace varscope {

struct InitializerSpec {
  // zeros, ones, constant, random_uniform, random_normal, truncated_normal, glorot_uniform,
  // glorot_normal, variance_scaling, orthogonal, identity; or "value".
  std::string kind;
  std::map<std::string, double> parameters;
  std::string mode;          // variance_scaling: fan_in, fan_out, fan_avg
  std::string distribution;  // variance_scaling: truncated_normal, untruncated_normal, uniform
  std::optional<uint64_t> seed;
  Tensor value;  // kind "value": the creator's bytes

  double parameter(const std::string& name, double otherwise) const {
    const auto it = parameters.find(name);
    return it == parameters.end() ? otherwise : it->second;
  }
};

// "random_uniform(maxval=1, minval=0)": for logs and listings; two specifications that would give
// different values have different texts, except that values are told apart by a checksum.
std::string ToString(const InitializerSpec& spec);

}  // namespace varscope

#endif  // VARSCOPE_INITIALIZER_SPEC_H_
