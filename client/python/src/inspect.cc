// What the ops and variables of a graph are made of, for programs that walk a graph or show it.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/node.h"
#include "client/graph/ops/build.h"
#include "client/graph/state.h"
#include "client/graph/variable_state.h"
#include "client/python/src/convert.h"
#include "client/python/src/handles.h"
#include "client/python/src/waiting.h"

namespace varscope::python {
namespace {

nb::list InputsOf(const PyOperation& op) {
  nb::list inputs;
  for (const internal::NodeOutput& input : internal::Unwrap(*op)->inputs) {
    inputs.append(Hold(internal::Wrap(input)));
  }
  return inputs;
}

nb::list ControlInputsOf(const PyOperation& op) {
  nb::list operations;
  for (internal::Node* before : internal::Unwrap(*op)->control_inputs) {
    operations.append(Hold(internal::Wrap(before)));
  }
  return operations;
}

// The variables that an op reads, assigns, initializes or pushes gradients for, by their names in
// the store.
std::vector<std::string> VariablesOf(const PyOperation& op) {
  const internal::Node& node = *internal::Unwrap(*op);
  std::vector<std::string> names;
  if (node.variable != nullptr) names.push_back(node.variable->name);
  for (const internal::VariableState* variable : node.initializes) names.push_back(variable->name);
  if (node.apply == nullptr) return names;
  for (const auto& update : node.apply->updates) names.push_back(update.variable->name);
  return names;
}

// An attribute that is a tensor or a shape is left out: GraphDefs have those in forms of their own.
nb::dict AttributesOf(const PyOperation& op) {
  nb::dict values;
  for (const auto& [name, value] : internal::Unwrap(*op)->attrs.values()) {
    std::visit(
        [&values, key = name.c_str()](const auto& x) {
          using T = std::decay_t<decltype(x)>;
          if constexpr (std::is_same_v<T, DType>) {
            values[key] = PyDType{x};
          } else if constexpr (!std::is_same_v<T, Tensor> && !std::is_same_v<T, Shape>) {
            values[key] = nb::cast(x);
          }
        },
        value);
  }
  return values;
}

// What this worker computes as a variable's first value: a tensor of the graph, an array, or None
// when the server's own rule does.
nb::object InitialValueOf(const PyVariable& variable) {
  const internal::VariableState& state = *internal::Unwrap(*variable);
  if (state.initial_output) return nb::cast(Hold(internal::Wrap(*state.initial_output)));
  if (state.initial_tensor) return ToNumpy(*state.initial_tensor, false);
  return nb::none();
}

// What the elements of an optimizer's slot or non-slot variable begin as; None for another
// variable.
std::optional<double> SlotBeginsAs(const PyVariable& variable) {
  const std::optional<internal::SlotOf>& slot = internal::Unwrap(*variable)->slot;
  return slot ? std::optional(slot->first) : std::nullopt;
}

// As global_variables_initializer, for these variables alone. Requires that all are of one graph.
PyOperation InitializerOf(nb::handle variables, OptionalName name) {
  AwaitDefinitions();
  internal::GraphState& graph = internal::Current();
  std::vector<Output> values;
  std::vector<internal::VariableState*> computed;
  std::vector<internal::VariableState*> given;
  for (const Variable& variable : ToVariables(variables)) {
    internal::VariableState* const state = internal::Unwrap(variable);
    if (state->initial_output) {
      values.push_back(internal::Wrap(*state->initial_output));
      computed.push_back(state);
    }
    if (state->initial_tensor || state->slot) given.push_back(state);
  }
  const std::string called = NameOf(name);
  internal::Node* const node = graph.AddNode({.op = "InitializeVariables",
                                              .name = called.empty() ? "init" : called,
                                              .inputs = std::move(values)});
  node->initializes = std::move(computed);
  node->initializes.insert(node->initializes.end(), given.begin(), given.end());
  return Hold(internal::Wrap(node));
}

// Adds what is known of a tensor's shape, for the ops that are made after it. ValueError when it
// does not fit what was known.
void SetShape(const PyTensor& tensor, nb::handle shape) {
  const internal::NodeOutput output = internal::Unwrap(*tensor);
  Shape& known = output.node->outputs[output.index].shape;
  absl::StatusOr<Shape> merged = internal::Merge(known, ToShape(shape));
  if (!merged.ok()) throw ValueError(std::string(merged.status().message()));
  known = *std::move(merged);
}

// Lets the op assign NaN and infinities, in a push of such ops alone.
void AllowNonfinite(const PyOperation& assignment) {
  internal::Unwrap(*assignment)->attrs.Set("allow_nonfinite", true);
}

// Has the function make the gradients of the op's inputs: a list, from those of its outputs; None
// is no gradient. The graph keeps the function.
void GiveGradient(const PyOperation& op, nb::handle function) {
  internal::Unwrap(*op)->gradient = std::make_shared<internal::GivenGradient>(
      [call = Callable(nb::borrow(function))](const std::vector<Output>& dys) {
        const WithGil gil;
        nb::list given;
        for (const Output& dy : dys) {
          given.append(dy.defined() ? nb::cast(Hold(dy)) : nb::object(nb::none()));
        }
        std::vector<Output> gradients;
        for (const nb::handle gradient : (*call)(given)) {
          gradients.push_back(gradient.is_none() ? Output() : ToOutput(gradient));
        }
        return gradients;
      });
}

}  // namespace

void AddInspection(nb::module_& m) {
  m.def("_inputs_of", &InputsOf, "op"_a);
  m.def("_control_inputs_of", &ControlInputsOf, "op"_a);
  m.def("_variables_of", &VariablesOf, "op"_a);
  m.def("_attributes_of", &AttributesOf, "op"_a);
  m.def("_initial_value_of", &InitialValueOf, "variable"_a);
  m.def("_slot_begins_as", &SlotBeginsAs, "variable"_a);
  m.def("_give_gradient", &GiveGradient, "op"_a, "function"_a);
  m.def("_allow_nonfinite", &AllowNonfinite, "assignment"_a);
  m.def("_set_shape", &SetShape, "tensor"_a, nb::arg("shape").none());
  m.def("_initializer_of", &InitializerOf, "variables"_a, nb::arg("name").none());
}

}  // namespace varscope::python
