// The variable that most tests define.
#ifndef VARSCOPE_TESTS_SUPPORT_DEFINITION_H_
#define VARSCOPE_TESTS_SUPPORT_DEFINITION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "varscope/v1/types.pb.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::testing {

// Of float32 zeros, made or attached to, as get_variable's. No dimensions: a scalar.
inline v1::VariableDefinition ZerosOf(const std::string& name, const std::vector<int64_t>& dims) {
  v1::VariableDefinition definition;
  definition.set_key(name);
  definition.set_name(name);
  definition.set_dtype(v1::DT_FLOAT32);
  definition.mutable_shape()->mutable_dims()->Assign(dims.begin(), dims.end());
  definition.mutable_initializer()->set_kind("zeros");
  definition.set_reuse(v1::REUSE_AUTO);
  return definition;
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_DEFINITION_H_
