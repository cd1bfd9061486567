// Sessions: runs, reads, assignments of values, barriers.
#include "varscope/session.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/variable_state.h"
#include "client/python/src/convert.h"
#include "client/python/src/define.h"
#include "client/python/src/handles.h"
#include "client/python/src/waiting.h"
#include "client/session/access.h"

namespace varscope::python {
namespace {

PySession NewSession(const PyGraph& graph, std::optional<std::string> target,
                     const std::optional<ConnectOptions>& options) {
  // The process's default graph is known from now on: see GraphBox::Default.
  GraphBox::Default();
  NoteConnected();
  Session session = DefineIn(*graph, [target, options = options.value_or(ConnectOptions{})] {
    return target ? Session(*target, options) : Session();
  });
  return {graph.box(), std::move(session)};
}

Fetch ToFetch(nb::handle x) {
  if (nb::isinstance<PyTensor>(x)) return **nb::inst_ptr<PyTensor>(x);
  if (nb::isinstance<PyOperation>(x)) return **nb::inst_ptr<PyOperation>(x);
  if (nb::isinstance<PyVariable>(x)) return **nb::inst_ptr<PyVariable>(x);
  throw TypeError("a fetch is an op, a tensor or a variable.");
}

// TensorFlow casts what is fed as numpy.asarray does, whatever it was.
Feed ToFeed(nb::handle output, nb::handle value) {
  const Output& fed = **nb::inst_ptr<PyTensor>(output);
  Tensor tensor;
  if (nb::isinstance<PyTensor>(value) || nb::isinstance<PyVariable>(value)) {
    throw TypeError(
        "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python "
        "scalars, strings, lists, numpy ndarrays. For reference, the tensor object was " +
        nb::cast<std::string>(nb::repr(value)) + " which was passed to the feed with key " +
        nb::cast<std::string>(nb::repr(output)) + ".");
  }
  static const nb::handle asarray =
      nb::object(nb::module_::import_("numpy").attr("asarray")).release();
  tensor = ToTensor(asarray(value, "dtype"_a = NumpyDType(fed.dtype())));
  if (!tensor.shape().IsCompatibleWith(fed.shape())) {
    throw ValueError("Cannot feed value of shape " + tensor.shape().ToString() + " for Tensor " +
                     fed.name() + ", which has shape " + fed.shape().ToString());
  }
  return {fed, std::move(tensor)};
}

// TensorFlow returns a NumPy scalar for a tensor without dimensions.
nb::object FromValue(Tensor value) {
  if (!value.defined()) return nb::none();
  const bool scalar = value.shape().rank() == 0;
  nb::object array = ToNumpy(std::move(value), true);
  return scalar ? nb::object(array[nb::make_tuple()]) : array;
}

std::vector<Tensor> Values(const PySession& session, const nb::list& fetches,
                           const nb::list& feeds) {
  AwaitDefinitions();
  std::vector<Fetch> what;
  for (const nb::handle fetch : fetches) what.push_back(ToFetch(fetch));
  std::vector<Feed> fed;
  for (const nb::handle feed : feeds) {
    const nb::object output = feed[0];
    const nb::object value = feed[1];
    fed.push_back(ToFeed(output, value));
  }
  return Wait([session = *session, what = std::move(what), fed = std::move(fed)]() mutable {
    return session.run(what, fed);
  });
}

nb::list Run(const PySession& session, const nb::list& fetches, const nb::list& feeds) {
  nb::list results;
  for (Tensor& value : Values(session, fetches, feeds)) results.append(FromValue(std::move(value)));
  return results;
}

// Without a copy: others may share the bytes, so that they cannot be written.
nb::list Pull(const PySession& session, const nb::list& fetches, const nb::list& feeds) {
  nb::list results;
  for (Tensor& value : Values(session, fetches, feeds)) {
    results.append(ToNumpy(std::move(value), false));
  }
  return results;
}

nb::list HaveValues(const PySession& session, const nb::list& variables) {
  AwaitDefinitions();
  std::vector<Variable> asked;
  for (const nb::handle variable : variables) asked.push_back(**nb::inst_ptr<PyVariable>(variable));
  const std::vector<bool> have = Wait([session = *session, asked = std::move(asked)] {
    return internal::SessionAccess::HaveValues(session, asked);
  });
  nb::list result;
  for (const bool one : have) result.append(one);
  return result;
}

nb::object Read(const PySession& session, std::string name) {
  Tensor value =
      Wait([session = *session, name = std::move(name)]() mutable { return session.read(name); });
  return ToNumpy(std::move(value), false);
}

// Assigns a value now. Nothing is added to the graph, which may be finalized. Requires a variable
// that is not partitioned. ValueError for one of another graph, and for a value of another shape.
void Load(const PySession& session, const PyVariable& variable, nb::handle value) {
  AwaitDefinitions();
  internal::VariableState& state = *internal::Unwrap(*variable);
  if (state.graph != &internal::SessionAccess::GraphOf(*session)) {
    throw ValueError("load(): variable " + variable->name() +
                     " is of another graph than the session");
  }
  Tensor tensor = ToTensor(value, variable->dtype());
  if (tensor.shape() != variable->shape()) {
    throw ValueError("load(): the value has the shape " + tensor.shape().ToString() +
                     ", variable " + variable->name() + " has " + variable->shape().ToString());
  }
  Wait([session = *session, variable = *variable, tensor = std::move(tensor)] {
    internal::VariableState* const own = internal::Unwrap(variable);
    internal::StoredSlots& slots = internal::SessionAccess::SlotsOf(session);
    if (own->slot) slots.Make({own});
    internal::SessionAccess::Assign(session,
                                    {{slots.NameOf(*own), AssignOp::kAssign, tensor, Tensor()}});
  });
}

void Barrier(const PySession& session, std::string name, uint32_t parties,
             std::optional<double> timeout) {
  const std::chrono::duration<double> seconds(timeout.value_or(0));
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(seconds);
  Wait([session = *session, name = std::move(name), parties, limit]() mutable {
    session.barrier(name, parties, limit);
  });
}

}  // namespace

void AddSession(nb::module_& m) {
  nb::class_<PySession>(m, "Session")
      .def(
          "__init__",
          [](PySession* self, const PyGraph& graph, std::optional<std::string> target,
             const std::optional<ConnectOptions>& options) {
            new (self) PySession(NewSession(graph, std::move(target), options));
          },
          "graph"_a, nb::arg("target").none(), nb::arg("options").none())
      .def("run", &Run, "fetches"_a, "feeds"_a)
      .def("pull", &Pull, "fetches"_a, "feeds"_a = nb::list())
      .def("read", &Read, "name"_a)
      .def("load", &Load, "variable"_a, "value"_a)
      .def("have_values", &HaveValues, "variables"_a)
      .def("barrier", &Barrier, "name"_a, "parties"_a, nb::arg("timeout").none())
      .def_prop_ro("global_step", [](const PySession& s) { return s->global_step(); })
      .def_prop_ro("dropped_pushes", [](const PySession& s) { return s->dropped_pushes(); });
}

}  // namespace varscope::python
