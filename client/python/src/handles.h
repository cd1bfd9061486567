// What Python objects hold: the client's handles, and for each graph what belongs to it in Python.
#ifndef VARSCOPE_CLIENT_PYTHON_HANDLES_H_
#define VARSCOPE_CLIENT_PYTHON_HANDLES_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/python/src/python.h"
#include "varscope/varscope.h"

namespace varscope::python {

// True in a process that was forked after varscope had connected. gRPC's threads are not there: no
// connection can be used, and none may be closed.
bool Orphaned();

// What all Python objects of one graph share. The last one frees the graph, with the GIL released,
// because that tells the server; and then what was kept for it.
class GraphBox {
 public:
  explicit GraphBox(Graph of) : graph(std::move(of)) {}
  ~GraphBox();
  GraphBox(const GraphBox&) = delete;
  GraphBox& operator=(const GraphBox&) = delete;

  // Returns that of a graph, the same for equal handles as long as one is alive. Requires the GIL.
  static std::shared_ptr<GraphBox> Of(const Graph& graph);
  // Returns that of the current default graph. Requires the GIL.
  static std::shared_ptr<GraphBox> Default();
  // Drops the process's default graph, which Default() keeps. Requires the GIL.
  static void Forget();
  // How many as_default() are open in this thread.
  static int& EnteredHere();
  // Another number in each thread of the program.
  static uint64_t ThreadNumber();
  // From here on the scopes of a graph, or of the default one, are those that a thread has opened.
  // Requires the GIL.
  static void UseScopes(const Graph& graph, uint64_t thread);
  static void UseScopesHere();

  Graph graph;
  std::string target;            // where Python connected it to; empty while it did not
  nb::object kept = nb::none();  // freed after the graph: its private server
};

// A handle in a Python object. In an orphaned process it is never freed.
template <typename T>
class Held {
 public:
  Held(std::shared_ptr<GraphBox> box, T handle)
      : box_(std::move(box)), handle_(new T(std::move(handle))) {}
  Held(const Held& other) : box_(other.box_), handle_(new T(*other.handle_)) {}
  Held(Held&& other) noexcept
      : box_(std::move(other.box_)), handle_(std::exchange(other.handle_, nullptr)) {}
  Held& operator=(const Held&) = delete;
  Held& operator=(Held&&) = delete;
  ~Held() {
    if (!Orphaned()) delete handle_;
    if (Orphaned() && box_) new std::shared_ptr<GraphBox>(std::move(box_));
  }

  const T& operator*() const { return *handle_; }
  T& operator*() { return *handle_; }
  const T* operator->() const { return handle_; }
  T* operator->() { return handle_; }
  const std::shared_ptr<GraphBox>& box() const { return box_; }

 private:
  std::shared_ptr<GraphBox> box_;  // freed last
  T* handle_;
};

using PyGraph = Held<Graph>;
using PyOperation = Held<Operation>;
using PyTensor = Held<Output>;
using PyVariable = Held<Variable>;
using PyVariableScope = Held<VariableScope>;
using PySession = Held<Session>;

// These return the Python object's value. Require the GIL, and a handle that is defined.
inline PyGraph Hold(const Graph& graph) { return {GraphBox::Of(graph), graph}; }
inline PyOperation Hold(const Operation& operation) {
  return {GraphBox::Of(operation.graph()), operation};
}
inline PyTensor Hold(const Output& output) { return {GraphBox::Of(output.graph()), output}; }
inline PyVariable Hold(const Variable& variable) {
  return {GraphBox::Of(variable.graph()), variable};
}
template <typename T>
nb::typed<nb::list, decltype(Hold(std::declval<T>()))> HoldAll(const std::vector<T>& handles) {
  nb::list list;
  for (const T& handle : handles) list.append(nb::cast(Hold(handle)));
  return list;
}

}  // namespace varscope::python

#endif  // VARSCOPE_CLIENT_PYTHON_HANDLES_H_
