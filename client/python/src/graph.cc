// Graphs, ops, tensors, scopes and collections as Python's types.
#include <functional>
#include <string>

#include "client/python/src/convert.h"
#include "client/python/src/handles.h"
#include "client/python/src/initializers.h"
#include "client/python/src/place.h"
#include "client/python/src/waiting.h"

namespace varscope::python {
namespace {

Py_ssize_t HashOf(const void* graph, const std::string& name) {
  return static_cast<Py_ssize_t>(std::hash<const void*>()(graph) ^ std::hash<std::string>()(name));
}

// Equal for handles of the same thing; another type of Python is never equal.
template <typename T>
bool Same(const Held<T>& a, nb::handle b) {
  return nb::isinstance<Held<T>>(b) && *a == **nb::inst_ptr<Held<T>>(b);
}

// An open scope, as a Python object that _core.leave closes. Where `counted`, it is an
// as_default().
struct Token {
  Held<ScopeToken> held;
  bool counted;
  uint64_t thread;
};

Token Open(std::shared_ptr<GraphBox> box, ScopeToken token, bool counted = false) {
  if (counted) ++GraphBox::EnteredHere();
  return {Held<ScopeToken>(std::move(box), std::move(token)), counted, GraphBox::ThreadNumber()};
}

void AddOperations(nb::module_& m) {
  nb::class_<PyOperation>(m, "Operation", "One op of a graph.", nb::is_weak_referenceable())
      .def_prop_ro(
          "name", [](const PyOperation& op) { return op->name(); },
          "The name with its scopes: 'foo/bar/add'.")
      .def_prop_ro(
          "type", [](const PyOperation& op) { return op->type(); }, "What it computes: 'Add'.")
      .def_prop_ro("graph", [](const PyOperation& op) { return PyGraph(op.box(), op->graph()); })
      .def("__eq__", &Same<Operation>, nb::arg("other").none())
      .def("__hash__", [](const PyOperation& op) { return HashOf(op.box().get(), op->name()); })
      .def("__repr__", [](const PyOperation& op) {
        return "<tf.Operation '" + op->name() + "' type=" + op->type() + ">";
      });
}

std::string Describe(const PyTensor& x) {
  return "'" + x->name() + "' shape=" + x->shape().ToString() + " dtype=" + Name(x->dtype());
}

void AddTensors(nb::module_& m) {
  nb::class_<PyTensor>(m, "Tensor", "A symbolic value: one output of an op.",
                       nb::is_weak_referenceable())
      .def_prop_ro("op", [](const PyTensor& x) { return PyOperation(x.box(), x->op()); })
      .def_prop_ro(
          "name", [](const PyTensor& x) { return x->name(); },
          "The op's name, a colon, and value_index: 'add:0'.")
      .def_prop_ro("dtype", [](const PyTensor& x) { return PyDType{x->dtype()}; })
      .def_prop_ro(
          "shape", [](const PyTensor& x) { return FromShape(x->shape()); },
          nb::sig("def shape(self) -> varscope.shapes.TensorShape"),
          "A TensorShape, as far as it is known before a run.")
      .def(
          "get_shape", [](const PyTensor& x) { return FromShape(x->shape()); },
          nb::sig("def get_shape(self) -> varscope.shapes.TensorShape"), "As shape.")
      .def_prop_ro("graph", [](const PyTensor& x) { return PyGraph(x.box(), x->graph()); })
      .def_prop_ro("value_index", [](const PyTensor& x) { return x->index(); })
      .def_prop_ro("_dims",
                   [](const PyTensor& x) -> nb::object {
                     if (!x->shape().known_rank()) return nb::none();
                     return nb::cast(std::vector<int64_t>(x->shape().dims()));
                   })
      .def("__eq__", &Same<Output>, nb::arg("other").none())
      .def("__hash__", [](const PyTensor& x) { return HashOf(x.box().get(), x->name()); })
      .def("__repr__", [](const PyTensor& x) { return "<tf.Tensor " + Describe(x) + ">"; });
}

Graph ConnectedGraph(std::string target, ConnectOptions options) {
  NoteConnected();
  return Wait([target = std::move(target), options = std::move(options)] {
    return Graph(target, options);
  });
}

PyGraph NewGraph(const std::optional<std::string>& target,
                 const std::optional<ConnectOptions>& options) {
  if (!target) return Hold(Graph());
  PyGraph graph = Hold(ConnectedGraph(*target, options.value_or(ConnectOptions{})));
  graph.box()->target = *target;
  return graph;
}

void AddLookups(nb::class_<PyGraph>& type) {
  type.def(
          "get_operations", [](const PyGraph& g) { return HoldAll(g->get_operations()); },
          "All ops in the order of their creation.")
      .def("_operation",
           [](const PyGraph& g, const std::string& name) {
             return Hold(g->get_operation_by_name(name));
           })
      .def("_tensor", [](const PyGraph& g,
                         const std::string& name) { return Hold(g->get_tensor_by_name(name)); })
      .def(
          "get_name_scope",
          [](const PyGraph& g) {
            AwaitDefinitions();
            GraphBox::UseScopes(*g, GraphBox::ThreadNumber());
            return g->get_name_scope();
          },
          "The current name scope without the slash at its end; '' at the root.")
      .def(
          "unique_name",
          [](PyGraph& g, const std::string& name) {
            AwaitDefinitions();
            return g->unique_name(name);
          },
          "name"_a, "Returns name, or name_1, name_2 and so on; the result is taken from then on.")
      .def(
          "finalize",
          [](PyGraph& g) {
            AwaitDefinitions();
            g->finalize();
          },
          "From then on what would add an op is a RuntimeError.")
      .def_prop_ro(
          "finalized", [](const PyGraph& g) { return g->finalized(); },
          "Whether finalize() was called.");
}

void AddGraphs(nb::module_& m) {
  nb::class_<PyGraph> type(m, "Graph",
                           "A graph of ops. Variables live on the server that it is connected to.",
                           nb::is_weak_referenceable());
  type.def(
          "__init__",
          [](PyGraph* self, const std::optional<std::string>& target,
             const std::optional<ConnectOptions>& options) {
            new (self) PyGraph(NewGraph(target, options));
          },
          "target"_a = nb::none(), "options"_a = nb::none(),
          "Makes an empty graph; with a target one that is connected to the server there.")
      .def_prop_ro("connected", [](const PyGraph& g) { return g->connected(); })
      .def_prop_ro(
          "worker_id", [](const PyGraph& g) { return g->worker_id(); },
          "This worker's id on the server; '' while the graph is not connected.")
      .def_prop_rw(
          "_target", [](const PyGraph& g) { return g.box()->target; },
          [](const PyGraph& g, const std::string& target) { g.box()->target = target; })
      .def_prop_rw(
          "_kept", [](const PyGraph& g) { return g.box()->kept; },
          [](const PyGraph& g, nb::object kept) { g.box()->kept = std::move(kept); },
          nb::for_setter(nb::arg("kept").none()))
      .def("_enter", [](const PyGraph& g) { return Open(g.box(), g->Enter(), true); })
      .def("__eq__", &Same<Graph>, nb::arg("other").none())
      .def("__hash__", [](const PyGraph& g) { return HashOf(g.box().get(), ""); });
  AddLookups(type);
  m.def("get_default_graph", [] {
    const std::shared_ptr<GraphBox> box = GraphBox::Default();
    return PyGraph(box, box->graph);
  });
  m.def("reset_default_graph", [] {
    AwaitDefinitions();
    reset_default_graph();
    GraphBox::Forget();
  });
}

ScopeOptions MakeScopeOptions(std::optional<int> reuse, nb::handle initializer,
                              nb::handle regularizer, nb::handle dtype, nb::handle partitioner,
                              nb::handle custom_getter, bool auxiliary_name_scope) {
  return {.reuse = ToReuse(reuse),
          .initializer = ToOptionalInitializer(initializer),
          .regularizer = ToRegularizer(regularizer),
          .dtype = ToOptionalDType(dtype),
          .partitioner = ToPartitioner(partitioner),
          .custom_getter = ToCustomGetter(custom_getter),
          .auxiliary_name_scope = auxiliary_name_scope};
}

NameOrScope ToNameOrScope(nb::handle x) {
  if (x.is_none()) return {};
  if (nb::isinstance<PyVariableScope>(x)) return **nb::inst_ptr<PyVariableScope>(x);
  if (nb::isinstance<nb::str>(x)) return nb::cast<std::string>(x);
  throw TypeError("VariableScope: name_or_scope must be a string or VariableScope.");
}

void AddVariableScopes(nb::module_& m) {
  nb::class_<PyVariableScope>(m, "VariableScope", "A variable scope, open or captured.")
      .def_prop_ro("name", [](const PyVariableScope& s) { return s->name(); })
      .def_prop_ro(
          "original_name_scope", [](const PyVariableScope& s) { return s->original_name_scope(); },
          "The name scope that it opened first: 'foo/bar/'.")
      .def_prop_ro("_key", [](const PyVariableScope& s) { return s->id(); })
      .def_prop_ro("_reuse", [](const PyVariableScope& s) { return static_cast<int>(s->reuse()); })
      .def_prop_ro("dtype", [](const PyVariableScope& s) { return PyDType{s->dtype()}; })
      .def(
          "reuse_variables", [](PyVariableScope& s) { s->reuse_variables(); },
          "From here on get_variable in it must reuse.")
      .def("__eq__", &Same<VariableScope>, nb::arg("other").none())
      .def("__hash__", [](const PyVariableScope& s) { return HashOf(s.box().get(), s->name()); });
  m.def(
      "enter_variable_scope",
      [](nb::handle name_or_scope, const std::optional<std::string>& default_name,
         std::optional<int> reuse, nb::handle initializer, nb::handle regularizer, nb::handle dtype,
         nb::handle partitioner, nb::handle custom_getter, bool auxiliary_name_scope) {
        AwaitDefinitions();
        const ScopeOptions options =
            MakeScopeOptions(reuse, initializer, regularizer, dtype, partitioner, custom_getter,
                             auxiliary_name_scope);
        return Open(GraphBox::Default(),
                    variable_scope::Enter(ToNameOrScope(name_or_scope), default_name, {}, options));
      },
      nb::arg("name_or_scope").none(), nb::arg("default_name").none(), nb::arg("reuse").none(),
      nb::arg("initializer").none(), nb::arg("regularizer").none(), nb::arg("dtype").none(),
      nb::arg("partitioner").none(), nb::arg("custom_getter").none(), "auxiliary_name_scope"_a);
  m.def("get_variable_scope", [] {
    AwaitDefinitions();
    return PyVariableScope(GraphBox::Default(), get_variable_scope());
  });
}

void AddScopes(nb::module_& m) {
  nb::class_<Token>(m, "ScopeToken");
  m.def("leave", [](const Token& token) {
    if (token.counted) {  // the thread's, not the graph's
      Leave(*token.held);
      --GraphBox::EnteredHere();
      return;
    }
    AfterDefinitions([held = token.held, thread = token.thread] {
      GraphBox::UseScopes(held.box()->graph, thread);
      Leave(*held);
    });
  });
  m.def("enter_name_scope", [](const std::string& name) {
    AwaitDefinitions();
    return Open(GraphBox::Default(), name_scope::Enter(name));
  });
  m.def(
      "enter_control_dependencies",
      [](const std::optional<std::vector<PyOperation>>& operations) {
        AwaitDefinitions();
        if (!operations) {
          return Open(GraphBox::Default(), control_dependencies::Enter(std::nullopt));
        }
        std::vector<Operation> after;
        for (const PyOperation& operation : *operations) after.push_back(*operation);
        return Open(GraphBox::Default(), control_dependencies::Enter(after));
      },
      nb::arg("operations").none());
}

CollectionItem ToItem(nb::handle x) {
  if (nb::isinstance<PyTensor>(x)) return **nb::inst_ptr<PyTensor>(x);
  if (nb::isinstance<PyOperation>(x)) return **nb::inst_ptr<PyOperation>(x);
  if (nb::isinstance<PyVariable>(x)) return **nb::inst_ptr<PyVariable>(x);
  throw TypeError("a collection keeps ops, tensors and variables.");
}

void AddCollections(nb::module_& m) {
  m.def("add_to_collection", [](const std::string& name, nb::handle value) {
    AwaitDefinitions();
    add_to_collection(name, ToItem(value));
  });
  m.def(
      "get_collection",
      [](const std::string& name, const std::optional<std::string>& scope) {
        nb::list items;
        for (const CollectionItem& item : get_collection(name, NameOf(scope))) {
          items.append(std::visit([](const auto& handle) { return nb::cast(Hold(handle)); }, item));
        }
        return items;
      },
      "name"_a, "scope"_a = nb::none());
  m.def("get_all_collection_keys", &get_all_collection_keys);
}

}  // namespace

void AddGraph(nb::module_& m) {
  AddOperations(m);
  AddTensors(m);
  AddGraphs(m);
  AddVariableScopes(m);
  AddScopes(m);
  AddCollections(m);
}

}  // namespace varscope::python
