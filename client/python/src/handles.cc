#include "client/python/src/handles.h"

#include <algorithm>
#include <atomic>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "client/python/src/gil.h"
#include "client/python/src/waiting.h"

namespace varscope::python {
namespace {

// Graphs that Python has objects of. Guarded by the GIL.
struct Known {
  std::vector<std::weak_ptr<GraphBox>> boxes;
  std::shared_ptr<GraphBox> of_process;  // its default graph, which lives without any object
};
Known& TheKnown() {
  static auto* const known = new Known();
  return *known;
}

}  // namespace

GraphBox::~GraphBox() {
  // Its last owner may be the interpreter, at its end.
  const bool running = Py_IsInitialized() != 0;
  if (!running) {
    kept.release();
    return;
  }
  {
    const WithGil gil;
    const WithoutGil others;
    graph = Graph();
  }
  const WithGil gil;
  kept.reset();
}

std::shared_ptr<GraphBox> GraphBox::Of(const Graph& graph) {
  std::vector<std::weak_ptr<GraphBox>>& boxes = TheKnown().boxes;
  std::shared_ptr<GraphBox> found;
  std::erase_if(boxes, [&](const std::weak_ptr<GraphBox>& known) {
    const std::shared_ptr<GraphBox> box = known.lock();
    if (box != nullptr && found == nullptr && box->graph == graph) found = box;
    return box == nullptr;
  });
  if (found != nullptr) return found;
  found = std::make_shared<GraphBox>(graph);
  boxes.push_back(found);
  return found;
}

std::shared_ptr<GraphBox> GraphBox::Default() {
  std::shared_ptr<GraphBox> box = Of(Graph::get_default());
  // Where no as_default() is open it is the process's, which lives without any object.
  if (EnteredHere() == 0 && !Definition::Here()) TheKnown().of_process = box;
  return box;
}

void GraphBox::Forget() { TheKnown().of_process = nullptr; }

uint64_t GraphBox::ThreadNumber() {
  static std::atomic<uint64_t> last = 0;
  thread_local const uint64_t number = ++last;
  return number;
}

void GraphBox::UseScopes(const Graph& graph, uint64_t thread) {
  if (Definition::Here()) return;  // a part of what another thread does
  internal::Unwrap(graph)->UseScopesOf(thread);
}

void GraphBox::UseScopesHere() { UseScopes(Graph::get_default(), ThreadNumber()); }

int& GraphBox::EnteredHere() {
  thread_local int entered = 0;
  return entered;
}

}  // namespace varscope::python
