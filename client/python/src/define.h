// Definitions: what adds to the default graph, and may ask the server.
#ifndef VARSCOPE_CLIENT_PYTHON_DEFINE_H_
#define VARSCOPE_CLIENT_PYTHON_DEFINE_H_

#include <utility>

#include "client/python/src/waiting.h"
#include "varscope/graph.h"

namespace varscope::python {

// Returns fn(), in a thread whose default graph is `graph`. As Define.
template <typename Fn>
auto DefineIn(Graph graph, Fn fn) {
  return Define([graph = std::move(graph), fn = std::move(fn)]() mutable {
    const ScopeGuard use = graph.as_default();
    return fn();
  });
}

// The same in the calling thread's default graph.
template <typename Fn>
auto DefineInDefaultGraph(Fn fn) {
  return DefineIn(Graph::get_default(), std::move(fn));
}

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_DEFINE_H_
