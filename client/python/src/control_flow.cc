// varscope/control_flow.h: what varscope/control_flow.py makes tf.cond and tf.while_loop of.
#include "varscope/control_flow.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/python/src/convert.h"
#include "client/python/src/handles.h"
#include "client/python/src/waiting.h"

namespace varscope::python {
namespace {

using PyBody = Held<internal::BodyToken>;

PyBody HoldBody(internal::BodyToken token) {
  return {GraphBox::Of(token.graph()), std::move(token)};
}

OptionalList<Shape> ToShapes(nb::handle shapes) {
  if (shapes.is_none()) return {};
  std::vector<Shape> list;
  for (nb::handle shape : shapes) list.push_back(ToShape(shape));
  return OptionalList<Shape>(std::move(list));
}

void AddBodies(nb::module_& m) {
  nb::class_<PyBody>(m, "BodyToken");
  m.def("_begin_branch", [] {
    AwaitDefinitions();
    return HoldBody(internal::BeginBranch());
  });
  m.def(
      "_begin_loop_part",
      [](nb::handle first, nb::handle shape_invariants, const std::string& name) {
        AwaitDefinitions();
        auto [token, variables] =
            internal::BeginLoopPart(ToOutputs(first), ToShapes(shape_invariants), name);
        return std::pair(HoldBody(std::move(token)), HoldAll(variables));
      },
      "first"_a, nb::arg("shape_invariants").none(), "name"_a);
  m.def("_end_body", [](const PyBody& token, nb::handle results) {
    AwaitDefinitions();
    internal::EndBody(*token, ToOutputs(results));
  });
  m.def("_abandon_body", [](const PyBody& token) {
    AfterDefinitions(
        [held = *token, graph = token.box()->graph, thread = GraphBox::ThreadNumber()] {
          GraphBox::UseScopes(graph, thread);
          internal::AbandonBody(held);
        });
  });
  m.def("_make_cond", [](nb::handle pred, const PyBody& then, const PyBody& otherwise) {
    AwaitDefinitions();
    return HoldAll(internal::MakeCond(ToInput(pred), *then, *otherwise));
  });
  m.def("_make_loop", [](nb::handle first, const PyBody& condition, const PyBody& body) {
    AwaitDefinitions();
    return HoldAll(internal::MakeLoop(ToOutputs(first), *condition, *body));
  });
}

void AddLists(nb::module_& m) {
  m.def(
      "list_empty",
      [](OptionalName name) {
        AwaitDefinitions();
        return Hold(list_empty(NameOf(name)));
      },
      "name"_a = nb::none());
  m.def(
      "list_push",
      [](nb::handle list, nb::handle x, OptionalName name) {
        AwaitDefinitions();
        return Hold(list_push(ToOutput(list), ToInput(x), NameOf(name)));
      },
      "list"_a, "x"_a, "name"_a = nb::none());
  m.def(
      "list_pop",
      [](nb::handle list, nb::handle dtype, nb::handle shape, OptionalName name) {
        AwaitDefinitions();
        const Popped popped =
            list_pop(ToOutput(list), ToDType(dtype), ToShape(shape), NameOf(name));
        return std::pair(Hold(popped.list), Hold(popped.last));
      },
      "list"_a, "dtype"_a, "shape"_a = nb::none(), "name"_a = nb::none());
  m.def(
      "list_of_rows",
      [](nb::handle x, OptionalName name) {
        AwaitDefinitions();
        return Hold(list_of_rows(ToInput(x), NameOf(name)));
      },
      "x"_a, "name"_a = nb::none());
  m.def(
      "list_stack",
      [](nb::handle list, nb::handle dtype, nb::handle shape, OptionalName name) {
        AwaitDefinitions();
        return Hold(list_stack(ToOutput(list), ToDType(dtype), ToShape(shape), NameOf(name)));
      },
      "list"_a, "dtype"_a, "shape"_a = nb::none(), "name"_a = nb::none());
}

}  // namespace

void AddControlFlow(nb::module_& m) {
  AddBodies(m);
  AddLists(m);
}

}  // namespace varscope::python
