// get_variable and Variable, and what changes variables.
#include <cstdlib>
#include <optional>
#include <string>

#include "client/python/src/convert.h"
#include "client/python/src/define.h"
#include "client/python/src/handles.h"
#include "client/python/src/initializers.h"
#include "client/python/src/place.h"
#include "client/python/src/waiting.h"

namespace varscope::python {
namespace {

// The first variable of a graph that VARSCOPE_TARGET is meant for is defined there at once.
void ConnectByEnvironment() {
  if (Graph::get_default().connected() || std::getenv("VARSCOPE_TARGET") == nullptr) return;
  nb::module_::import_("varscope.connection").attr("connect_by_environment")();
}

PyVariable GetVariable(std::string name, nb::handle shape, nb::handle dtype, nb::handle initializer,
                       nb::handle regularizer, std::optional<bool> trainable,
                       nb::handle partitioner, nb::handle custom_getter, std::optional<int> reuse) {
  ConnectByEnvironment();
  GetVariableArgs args{.shape = shape.is_none() ? std::nullopt : std::optional(ToShape(shape)),
                       .dtype = ToOptionalDType(dtype),
                       .initializer = ToOptionalInitializer(initializer),
                       .regularizer = ToRegularizer(regularizer),
                       .trainable = trainable,
                       .partitioner = ToPartitioner(partitioner),
                       .custom_getter = ToCustomGetter(custom_getter),
                       .reuse = ToReuse(reuse)};
  return Hold(
      DefineInDefaultGraph([name = std::move(name), args = std::move(args),
                            where = ProgramPlace()] { return get_variable(name, args, where); }));
}

// As tf.Variable's constructor. What TensorFlow alone has is checked by varscope.variables.
// What Python takes an object for: scripts give a dtype where `trainable` is, and mean no more.
std::optional<bool> ToTruth(nb::handle x) {
  if (x.is_none()) return std::nullopt;
  const int truth = PyObject_IsTrue(x.ptr());
  if (truth < 0) throw nb::python_error();
  return truth == 1;
}

void InitVariable(PyVariable* self, nb::handle initial_value, nb::handle trainable,
                  nb::handle collections, bool /*validate_shape*/, nb::handle caching_device,
                  OptionalName name, nb::handle variable_def, nb::handle dtype,
                  nb::handle /*expected_shape*/, nb::handle import_scope, nb::handle constraint,
                  nb::handle /*use_resource*/) {
  const nb::module_ python = nb::module_::import_("varscope.variables");
  python.attr("check_variable_arguments")(
      collections, "caching_device"_a = caching_device, "variable_def"_a = variable_def,
      "import_scope"_a = import_scope, "constraint"_a = constraint);
  ConnectByEnvironment();
  const bool is_function = PyCallable_Check(initial_value.ptr()) != 0;
  const nb::object value = is_function ? initial_value() : nb::borrow(initial_value);
  VariableOptions options{.name = NameOf(name),
                          .dtype = ToOptionalDType(dtype),
                          .trainable = ToTruth(trainable).value_or(true)};
  new (self) PyVariable(Hold(
      DefineInDefaultGraph([value = ToInitializer(value), options = std::move(options),
                            where = ProgramPlace()] { return Variable(value, options, where); })));
  python.attr("add_to_collections")(*self, collections);
}

using Assignment = Output (Variable::*)(const Input&, const std::string&) const;
using RowAssignment = Output (Variable::*)(const Input&, const Input&, const std::string&) const;

void AddAssignment(nb::module_& m, const char* name, Assignment assign) {
  m.def(
      name,
      [assign](const PyVariable& v, nb::handle value, OptionalName name) {
        AwaitDefinitions();
        return Hold(((*v).*assign)(ToInput(value, v->dtype()), NameOf(name)));
      },
      "ref"_a, "value"_a, "name"_a = nb::none());
}

void AddRowAssignment(nb::module_& m, const char* name, RowAssignment assign) {
  m.def(
      name,
      [assign](const PyVariable& v, nb::handle rows, nb::handle values, OptionalName name) {
        AwaitDefinitions();
        const Input which = ToInput(rows);
        return Hold(((*v).*assign)(which, ToInput(values, v->dtype()), NameOf(name)));
      },
      "ref"_a, "indices"_a, "updates"_a, "name"_a = nb::none());
}

void AddAssignments(nb::module_& m) {
  AddAssignment(m, "assign", &Variable::assign);
  AddAssignment(m, "assign_add", &Variable::assign_add);
  AddAssignment(m, "assign_sub", &Variable::assign_sub);
  AddRowAssignment(m, "scatter_update", &Variable::scatter_update);
  AddRowAssignment(m, "scatter_add", &Variable::scatter_add);
  AddRowAssignment(m, "scatter_sub", &Variable::scatter_sub);
}

Py_ssize_t VariableHash(const PyVariable& v) {
  return static_cast<Py_ssize_t>(std::hash<const void*>()(v.box().get()) ^
                                 std::hash<std::string>()(v->name()));
}

std::string VariableText(const PyVariable& v) {
  return "<tf.Variable '" + v->name() + "' shape=" + v->shape().ToString() +
         " dtype=" + Name(v->dtype()) + ">";
}

void AddType(nb::module_& m) {
  nb::class_<PyVariable>(m, "Variable",
                         "A variable that lives on the server, shared by its name. Made by "
                         "get_variable, or by Variable, which makes a new name.",
                         nb::is_weak_referenceable())
      .def("__init__", &InitVariable, "initial_value"_a, "trainable"_a = nb::none(),
           "collections"_a = nb::none(), "validate_shape"_a = true, "caching_device"_a = nb::none(),
           "name"_a = nb::none(), "variable_def"_a = nb::none(), "dtype"_a = nb::none(),
           "expected_shape"_a = nb::none(), "import_scope"_a = nb::none(),
           "constraint"_a = nb::none(), "use_resource"_a = nb::none(),
           "Defines a new variable, always: its name is made unique.")
      .def_prop_ro(
          "name", [](const PyVariable& v) { return v->name(); },
          "'foo/v:0'; of a partitioned one 'foo/v'.")
      .def_prop_ro("op", [](const PyVariable& v) { return PyOperation(v.box(), v->op()); })
      .def_prop_ro("graph", [](const PyVariable& v) { return PyGraph(v.box(), v->graph()); })
      .def_prop_ro("dtype", [](const PyVariable& v) { return PyDType{v->dtype()}; })
      .def_prop_ro(
          "shape", [](const PyVariable& v) { return FromShape(v->shape()); },
          nb::sig("def shape(self) -> varscope.shapes.TensorShape"),
          "A TensorShape, the full one when partitioned.")
      .def(
          "get_shape", [](const PyVariable& v) { return FromShape(v->shape()); },
          nb::sig("def get_shape(self) -> varscope.shapes.TensorShape"), "As shape.")
      .def_prop_ro("trainable", [](const PyVariable& v) { return v->trainable(); })
      .def_prop_ro("is_partitioned", [](const PyVariable& v) { return v->is_partitioned(); })
      .def_prop_ro(
          "parts", [](const PyVariable& v) { return HoldAll(v->parts()); },
          "The parts of a partitioned variable in order, else the variable itself.")
      .def(
          "value",
          [](const PyVariable& v) {
            AwaitDefinitions();
            return Hold(v->value());
          },
          "The value at this place of the program, as a tensor.")
      .def("_unordered_value",
           [](const PyVariable& v) {
             AwaitDefinitions();
             return Hold(v->unordered_value());
           })
      .def(
          "__eq__",
          [](const PyVariable& v, nb::handle other) {
            return nb::isinstance<PyVariable>(other) && *v == **nb::inst_ptr<PyVariable>(other);
          },
          nb::arg("other").none())
      .def("__hash__", &VariableHash)
      .def("__repr__", &VariableText);
}

template <typename T>
using Listing = std::vector<T> (*)(const std::string&);

template <typename T>
void AddListing(nb::module_& m, const char* name, Listing<T> list) {
  m.def(
      name, [list](OptionalName scope) { return HoldAll(list(NameOf(scope))); },
      "scope"_a = nb::none());
}

}  // namespace

void AddVariables(nb::module_& m) {
  AddType(m);
  m.def("get_variable", &GetVariable, "name"_a, nb::arg("shape").none(), nb::arg("dtype").none(),
        nb::arg("initializer").none(), nb::arg("regularizer").none(), nb::arg("trainable").none(),
        nb::arg("partitioner").none(), nb::arg("custom_getter").none(), nb::arg("reuse").none());
  AddAssignments(m);
  AddListing<Variable>(m, "global_variables", &global_variables);
  AddListing<Variable>(m, "trainable_variables", &trainable_variables);
  AddListing<Output>(m, "regularization_losses", &regularization_losses);
  m.def("global_variables_initializer", [] {
    AwaitDefinitions();
    return Hold(global_variables_initializer());
  });
  m.def("get_or_create_global_step", [] {
    return Hold(DefineInDefaultGraph(
        [where = ProgramPlace()] { return train::get_or_create_global_step(where); }));
  });
}

}  // namespace varscope::python
