// A run in which every value is needed whole, because it is fetched.
#ifndef VARSCOPE_TESTS_UNIT_CLIENT_SESSION_WITH_ALL_INPUTS_H_
#define VARSCOPE_TESTS_UNIT_CLIENT_SESSION_WITH_ALL_INPUTS_H_

#include <set>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/node.h"
#include "varscope/varscope.h"

namespace varscope {

// y, and then all that it is computed from.
inline std::vector<Fetch> WithAllInputs(const Output& y) {
  std::vector<Fetch> fetches = {y};
  std::set<const internal::Node*> seen;
  std::vector<const internal::Node*> stack = {internal::Unwrap(y).node};
  while (!stack.empty()) {
    const internal::Node* const node = stack.back();
    stack.pop_back();
    if (!seen.insert(node).second) continue;
    for (const internal::NodeOutput& input : node->inputs) {
      fetches.emplace_back(internal::Wrap(input));
      stack.push_back(input.node);
    }
  }
  return fetches;
}

}  // namespace varscope

#endif  // VARSCOPE_TESTS_UNIT_CLIENT_SESSION_WITH_ALL_INPUTS_H_
