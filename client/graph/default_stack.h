// What is the default of a thread: a graph, a session.
#ifndef VARSCOPE_CLIENT_GRAPH_DEFAULT_STACK_H_
#define VARSCOPE_CLIENT_GRAPH_DEFAULT_STACK_H_

#include <memory>
#include <utility>
#include <vector>

#include "client/graph/scope_stack.h"
#include "varscope/scope_guard.h"

namespace varscope::internal {

// Each thread has its own. Thread-compatible: a token is left in the thread that it came from.
template <typename T>
struct DefaultStack {
  ScopeStack scopes;
  std::vector<std::shared_ptr<T>> values;  // innermost last

  static const std::shared_ptr<DefaultStack>& OfThread() {
    thread_local const auto stack = std::make_shared<DefaultStack>();
    return stack;
  }

  static ScopeToken Enter(const char* what, std::shared_ptr<T> value) {
    const std::shared_ptr<DefaultStack>& stack = OfThread();
    stack->scopes.Check();
    stack->values.push_back(std::move(value));
    const uint64_t id = stack->scopes.Open(what, [own = stack.get()] { own->values.pop_back(); });
    return {std::shared_ptr<ScopeStack>(stack, &stack->scopes), id};
  }
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_DEFAULT_STACK_H_
