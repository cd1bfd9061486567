#include "client/graph/handles.h"

#include "client/graph/state.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

template <typename T>
T& Defined(const std::shared_ptr<T>& own, const char* kind) {
  if (own != nullptr) return *own;
  throw ValueError(std::string("This ") + kind +
                   " is not defined: it was default-constructed, or is a gradient that does not "
                   "exist. See defined().");
}

// Owns the graph, points to a part of it.
template <typename T>
std::shared_ptr<T> Share(T* own) {
  return own == nullptr ? nullptr : std::shared_ptr<T>(own->graph->shared_from_this(), own);
}

}  // namespace

NodeOutput Access::Get(const Output& output) {
  return {&Defined(output.node_, "Output"), output.index_};
}
Node* Access::Get(const Operation& operation) { return &Defined(operation.node_, "Operation"); }
VariableState* Access::Get(const Variable& variable) {
  return &Defined(variable.state_, "Variable");
}

Output Access::Make(const NodeOutput& output) { return {Share(output.node), output.index}; }
Operation Access::Make(Node* node) { return Operation(Share(node)); }
Variable Access::Make(VariableState* variable) { return Variable(Share(variable)); }

}  // namespace varscope::internal
