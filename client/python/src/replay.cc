// The ops of a graph as plain values, and ops from such values: for a graph that is kept in a file.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/graph/apply_spec.h"
#include "client/graph/body.h"
#include "client/graph/handles.h"
#include "client/graph/node.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "client/graph/variable_state.h"
#include "client/python/src/convert.h"
#include "client/python/src/handles.h"
#include "client/python/src/waiting.h"
#include "varscope/errors.h"

namespace varscope::python {
namespace {

using internal::Body;
using internal::Node;
using internal::NodeOutput;

// A body of a graph that is being made again. Its graph owns it.
struct NewBody {
  std::shared_ptr<GraphBox> box;
  Body* body;
};

// 'op:0'; None where there is no op.
nb::object NameOfOutput(const NodeOutput& output) {
  if (output.node == nullptr) return nb::none();
  return nb::cast(absl::StrCat(output.node->name, ":", output.index));
}

nb::list NamesOfOutputs(const std::vector<NodeOutput>& outputs) {
  nb::list names;
  for (const NodeOutput& output : outputs) names.append(NameOfOutput(output));
  return names;
}

nb::list NamesOf(const std::vector<Node*>& nodes) {
  nb::list names;
  for (const Node* node : nodes) names.append(node->name);
  return names;
}

nb::dict AttributesOf(const Node& node) {
  nb::dict values;
  for (const auto& [name, value] : node.attrs.values()) {
    std::visit(
        [&values, key = name.c_str()](const auto& x) {
          using T = std::decay_t<decltype(x)>;
          if constexpr (std::is_same_v<T, DType>) {
            values[key] = PyDType{x};
          } else if constexpr (std::is_same_v<T, Shape>) {
            values[key] = FromShape(x);
          } else if constexpr (std::is_same_v<T, Tensor>) {
            values[key] = ToNumpy(x, false);
          } else {
            values[key] = nb::cast(x);
          }
        },
        value);
  }
  return values;
}

internal::AttrValue ToAttribute(nb::handle x) {
  if (nb::isinstance<nb::bool_>(x)) return nb::cast<bool>(x);
  if (nb::isinstance<nb::int_>(x)) return nb::cast<int64_t>(x);
  if (nb::isinstance<nb::float_>(x)) return nb::cast<double>(x);
  if (nb::isinstance<nb::str>(x)) return nb::cast<std::string>(x);
  if (nb::isinstance<nb::list>(x)) return nb::cast<std::vector<int64_t>>(x);
  if (nb::isinstance<PyDType>(x)) return nb::inst_ptr<PyDType>(x)->dtype;
  if (nb::hasattr(x, "ndims")) return ToShape(x);
  return ToTensor(x);
}

// What the optimizer keeps for the variables that the op updates. Python is not called meanwhile:
// another thread may hold its lock and wait for this one.
std::vector<const internal::VariableState*> KeptFor(const internal::ApplySpec& spec) {
  const MutexLock lock(spec.slots->mutex);
  std::vector<const internal::VariableState*> kept = {spec.slots->non_slots.begin(),
                                                      spec.slots->non_slots.end()};
  for (const auto& update : spec.updates) {
    for (const internal::Slot& slot : spec.slots->by_variable.at(update.variable)) {
      kept.push_back(slot.variable);
    }
  }
  return kept;
}

// What a push tells the server, without its gradients; None for another op.
nb::object ApplyOf(const Node& node) {
  if (node.apply == nullptr) return nb::none();
  const internal::ApplySpec& spec = *node.apply;
  nb::list updates;
  for (const auto& update : spec.updates) {
    updates.append(nb::make_tuple(update.variable->handle->name, update.sparse));
  }
  nb::list slots;
  const auto add_slot = [&slots](const internal::VariableState& kept) {
    const internal::SlotOf& slot = *kept.slot;
    const nb::object primary =
        slot.primary == nullptr ? nb::none() : nb::object(nb::cast(slot.primary->handle->name));
    slots.append(nb::make_tuple(primary, slot.state, kept.handle->name));
  };
  for (const internal::VariableState* kept : KeptFor(spec)) add_slot(*kept);
  nb::dict values;
  values["number"] = reinterpret_cast<size_t>(spec.slots);
  values["slots"] = slots;
  values["optimizer"] = spec.optimizer;
  values["slot_name"] = spec.slot_name;
  values["hyperparameters"] = nb::cast(spec.hyperparameters);
  values["updates"] = updates;
  values["options"] =
      nb::make_tuple(spec.clip_norm, spec.clip_value, spec.weight_decay, spec.allow_nonfinite);
  return values;
}

// Bodies have numbers, of no meaning but that they differ.
size_t NumberOf(const Body* body) { return reinterpret_cast<size_t>(body); }

nb::dict DescribeOp(const PyOperation& op) {
  const Node& node = *internal::Unwrap(*op);
  nb::list outputs;
  for (const internal::OutputSpec& output : node.outputs) {
    outputs.append(nb::make_tuple(PyDType{output.dtype}, FromShape(output.shape)));
  }
  nb::list bodies;
  for (const Body* body : node.bodies) bodies.append(NumberOf(body));
  nb::list initializes;
  for (const internal::VariableState* variable : node.initializes) {
    initializes.append(variable->handle->name);
  }
  nb::dict values;
  values["name"] = node.name;
  values["type"] = std::string(node.def->name);
  values["inputs"] = NamesOfOutputs(node.inputs);
  values["control_inputs"] = NamesOf(node.control_inputs);
  values["attributes"] = AttributesOf(node);
  values["outputs"] = outputs;
  values["variable"] =
      node.variable == nullptr ? nb::none() : nb::object(nb::cast(node.variable->handle->name));
  values["initializes"] = initializes;
  values["apply"] = ApplyOf(node);
  values["body"] = NumberOf(node.body);
  values["bodies"] = bodies;
  return values;
}

nb::dict DescribeBody(const PyOperation& op, size_t index) {
  const Body& body = *internal::Unwrap(*op)->bodies.at(index);
  nb::list outer, kept;
  for (const std::vector<Node*>& open : body.outer_control) outer.append(NamesOf(open));
  for (const auto& [output, place] : body.kept) {
    kept.append(nb::make_tuple(NameOfOutput(output), place));
  }
  nb::dict values;
  values["parent"] = NumberOf(body.parent);
  values["args"] = NamesOf(body.args);
  values["results"] = NamesOfOutputs(body.results);
  values["captures"] = NamesOfOutputs(body.captures);
  values["waits_for"] = NamesOf(body.waits_for);
  values["effects"] = NamesOf(body.effects);
  values["outer_control"] = outer;
  values["empty_list"] = NameOfOutput(body.empty_list);
  values["zero"] = NameOfOutput(body.zero);
  values["kept"] = kept;
  values["counter"] = body.counter;
  return values;
}

Body* BodyOf(nb::handle body) {
  return body.is_none() ? nullptr : nb::inst_ptr<NewBody>(body)->body;
}

NewBody AddBody(nb::handle parent) {
  AwaitDefinitions();
  Body* const body = internal::Current().NewBody();
  body->parent = BodyOf(parent);
  return {GraphBox::Default(), body};
}

// Adds the op under this very name. ValueError when there is one of that name.
PyOperation AddOp(const std::string& name, const std::string& type, nb::handle inputs,
                  const std::vector<PyOperation>& control_inputs, nb::dict attributes,
                  nb::list outputs, nb::handle variable, nb::handle initializes, nb::handle body,
                  nb::list bodies) {
  AwaitDefinitions();
  internal::GraphState& graph = internal::Current();
  internal::NodeArgs args{.op = type, .name = name + "/", .inputs = ToOutputs(inputs)};
  for (const auto& [key, value] : attributes) {
    args.attrs.Set(nb::cast<std::string>(key), ToAttribute(value));
  }
  for (const nb::handle output : outputs) {
    args.outputs.push_back({ToDType(output[0]), ToShape(output[1])});
  }
  for (const PyOperation& before : control_inputs) {
    args.control_inputs.push_back(internal::Unwrap(*before));
  }
  if (!variable.is_none()) args.variable = internal::Unwrap(ToVariable(variable));
  for (const nb::handle own : bodies) args.bodies.push_back(BodyOf(own));
  const std::vector<internal::OutputSpec> known = args.outputs;
  const internal::NoControlGuard at_once(graph);
  std::optional<internal::BodyGuard> inside;
  if (Body* const own = BodyOf(body)) inside.emplace(graph, own);
  Node* const node = graph.AddNode(std::move(args));
  if (node->outputs.size() == known.size()) node->outputs = known;
  for (const Variable& own : ToVariables(initializes)) {
    node->initializes.push_back(internal::Unwrap(own));
  }
  return Hold(internal::Wrap(node));
}

NodeOutput ToNodeOutput(nb::handle x) {
  return x.is_none() ? NodeOutput{} : internal::Unwrap(ToOutput(x));
}

std::vector<NodeOutput> ToNodeOutputs(nb::handle list) {
  std::vector<NodeOutput> outputs;
  for (const nb::handle x : list) outputs.push_back(ToNodeOutput(x));
  return outputs;
}

std::vector<Node*> ToNodes(nb::handle list) {
  std::vector<Node*> nodes;
  for (const nb::handle x : list) nodes.push_back(internal::Unwrap(**nb::inst_ptr<PyOperation>(x)));
  return nodes;
}

// Gives the body what DescribeBody() tells, with ops and tensors for their names.
void FillBody(const NewBody& made, nb::dict values) {
  Body& body = *made.body;
  body.args = ToNodes(values["args"]);
  body.results = ToNodeOutputs(values["results"]);
  body.captures = ToNodeOutputs(values["captures"]);
  body.waits_for = ToNodes(values["waits_for"]);
  body.effects = ToNodes(values["effects"]);
  body.outer_control.clear();
  for (const nb::handle open : values["outer_control"]) {
    body.outer_control.push_back(ToNodes(open));
  }
  body.empty_list = ToNodeOutput(values["empty_list"]);
  body.zero = ToNodeOutput(values["zero"]);
  body.kept.clear();
  for (const nb::handle one : values["kept"]) {
    body.kept[ToNodeOutput(one[0])] = nb::cast<int>(one[1]);
  }
  body.counter = nb::cast<int>(values["counter"]);
}

// Notes that an op which was made again reads the variable after others.
void AddOrderedRead(const PyVariable& variable, const PyTensor& read) {
  internal::Unwrap(*variable)->ordered_reads.push_back(internal::Unwrap(*read));
}

nb::list OrderedReads(const PyVariable& variable) {
  return NamesOfOutputs(internal::Unwrap(*variable)->ordered_reads);
}

}  // namespace

void AddReplay(nb::module_& m) {
  nb::class_<NewBody>(m, "NewBody");
  m.def("_describe_op", &DescribeOp, "op"_a);
  m.def("_describe_body", &DescribeBody, "op"_a, "index"_a);
  m.def("_ordered_reads_of", &OrderedReads, "variable"_a);
  m.def("_add_body", &AddBody, nb::arg("parent").none());
  m.def("_add_op", &AddOp, "name"_a, "type"_a, "inputs"_a, "control_inputs"_a, "attributes"_a,
        "outputs"_a, nb::arg("variable").none(), "initializes"_a, nb::arg("body").none(),
        "bodies"_a);
  m.def("_fill_body", &FillBody, "body"_a, "values"_a);
  m.def("_add_ordered_read", &AddOrderedRead, "variable"_a, "read"_a);
}

}  // namespace varscope::python
