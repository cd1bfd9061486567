// What a catalog has.
#ifndef VARSCOPE_TESTS_SUPPORT_VARIABLES_OF_H_
#define VARSCOPE_TESTS_SUPPORT_VARIABLES_OF_H_

#include <vector>

#include "server/catalog/catalog.h"
#include "server/catalog/name_table.h"
#include "server/store/variable.h"

namespace varscope::testing {

// All variables, in creation order.
inline std::vector<server::VariablePtr> VariablesOf(const server::Catalog& catalog) {
  std::vector<server::VariablePtr> all;
  catalog.Read([&](const server::NameTable& names) { all = names.variables(); });
  return all;
}

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_VARIABLES_OF_H_
