// Gradients, optimizers and Saver.
#include "varscope/train.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "client/python/src/convert.h"
#include "client/python/src/define.h"
#include "client/python/src/gil.h"
#include "client/python/src/handles.h"
#include "client/python/src/op_table.h"
#include "client/python/src/place.h"
#include "client/python/src/waiting.h"
#include "varscope/saver.h"

namespace varscope::python {
namespace {

nb::object SlicesType() { return nb::module_::import_("varscope.slices").attr("IndexedSlices"); }

nb::object FromGradient(const Gradient& gradient) {
  if (!gradient.defined()) return nb::none();
  if (!gradient.is_sparse()) return nb::cast(Hold(gradient.values));
  return SlicesType()(Hold(gradient.values), Hold(gradient.indices));
}

nb::list FromGradients(const std::vector<Gradient>& gradients) {
  nb::list list;
  for (const Gradient& gradient : gradients) list.append(FromGradient(gradient));
  return list;
}

Gradient ToGradient(nb::handle x) {
  if (x.is_none()) return {};
  if (nb::isinstance(x, SlicesType())) {
    return {ToOutput(x.attr("values")), ToOutput(x.attr("indices"))};
  }
  return {ToOutput(x), {}};
}

std::vector<Gradient> ToGradients(nb::handle list) {
  std::vector<Gradient> gradients;
  for (const nb::handle item : list) gradients.push_back(ToGradient(item));
  return gradients;
}

void AddGradients(nb::module_& m) {
  m.def(
      "gradients_of_tensors",
      [](nb::handle ys, nb::handle xs, nb::handle grad_ys, nb::handle stop_gradients) {
        AwaitDefinitions();
        OptionalList<Output> weights;
        if (!grad_ys.is_none()) {
          std::vector<Output> given;
          for (const nb::handle y : grad_ys) given.push_back(y.is_none() ? Output() : ToOutput(y));
          weights = given;
        }
        return FromGradients(
            gradients(ToOutputs(ys), ToOutputs(xs), weights, ToOutputs(stop_gradients)));
      },
      "ys"_a, "xs"_a, nb::arg("grad_ys").none(), "stop_gradients"_a);
  m.def(
      "gradients_of_variables",
      [](nb::handle ys, nb::handle xs) {
        AwaitDefinitions();
        return FromGradients(gradients(ToOutputs(ys), ToVariables(xs)));
      },
      "ys"_a, "xs"_a);
  m.def(
      "_clip_by_global_norm",
      [](nb::handle t_list, nb::handle clip_norm, OptionalName name) {
        AwaitDefinitions();
        const auto [clipped, norm] =
            clip_by_global_norm(ToGradients(t_list), ToInput(clip_norm), NameOf(name));
        return nb::make_tuple(FromGradients(clipped), Hold(norm));
      },
      "t_list"_a, "clip_norm"_a, nb::arg("name").none());
  m.def(
      "global_norm",
      [](nb::handle t_list, OptionalName name) {
        AwaitDefinitions();
        return Hold(global_norm(ToGradients(t_list), NameOf(name)));
      },
      "t_list"_a, "name"_a = nb::none());
}

using PyOptimizer = Held<train::Optimizer>;

PyOptimizer NewOptimizer(std::string type, std::string name, const nb::dict& hyperparameters) {
  train::Optimizer::Hyperparameters given;
  for (const auto& [key, value] : hyperparameters) {
    if (value.is_none()) continue;
    const nb::object number =
        PyBool_Check(value.ptr()) ? nb::object(nb::float_(nb::borrow(value))) : nb::borrow(value);
    given.emplace(nb::cast<std::string>(key), ToInput(number));
  }
  return {nullptr, train::Optimizer(std::move(type), std::move(name), std::move(given))};
}

PyOperation ApplyGradients(const PyOptimizer& optimizer, nb::handle grads_and_vars,
                           const std::optional<PyVariable>& global_step, OptionalName name) {
  AwaitDefinitions();
  train::GradientsAndVariables pairs;
  for (const nb::handle pair : grads_and_vars) {
    const nb::object gradient = pair[0];
    const nb::object variable = pair[1];
    pairs.emplace_back(ToGradient(gradient), ToVariable(variable));
  }
  std::optional<Variable> step;
  if (global_step) step = **global_step;
  return Hold(DefineInDefaultGraph(
      [optimizer = *optimizer, pairs = std::move(pairs), step, name = NameOf(name),
       where = ProgramPlace()] { return optimizer.apply_gradients(pairs, step, name, where); }));
}

nb::list ComputeGradients(const PyOptimizer& optimizer, nb::handle loss, nb::handle var_list) {
  AwaitDefinitions();
  OptionalList<Variable> variables;
  if (!var_list.is_none()) variables = ToVariables(var_list);
  nb::list pairs;
  for (const auto& [gradient, variable] : optimizer->compute_gradients(ToOutput(loss), variables)) {
    pairs.append(nb::make_tuple(FromGradient(gradient), Hold(variable)));
  }
  return pairs;
}

// Of the default graph, of one variable or all, as tuples: the variable whose slot it is, or None,
// the state's name, and the slot.
nb::list SlotsOf(const PyOptimizer& optimizer, const std::optional<PyVariable>& primary) {
  AwaitDefinitions();
  nb::list slots;
  for (const train::Slot& slot : primary ? optimizer->slots(**primary) : optimizer->slots()) {
    const bool has_primary = slot.primary.defined();
    slots.append(nb::make_tuple(
        has_primary ? nb::object(nb::cast(Hold(slot.primary))) : nb::object(nb::none()), slot.state,
        Hold(slot.variable)));
  }
  return slots;
}

void AddOptimizers(nb::module_& m) {
  nb::class_<PyOptimizer>(m, "Optimizer")
      .def(
          "__init__",
          [](PyOptimizer* self, std::string type, std::string name,
             const nb::dict& hyperparameters) {
            new (self) PyOptimizer(NewOptimizer(std::move(type), std::move(name), hyperparameters));
          },
          "type"_a, "name"_a, "hyperparameters"_a)
      .def("compute_gradients", &ComputeGradients, "loss"_a, nb::arg("var_list").none())
      .def("apply_gradients", &ApplyGradients, "grads_and_vars"_a, nb::arg("global_step").none(),
           nb::arg("name").none())
      .def("slots", &SlotsOf, nb::arg("primary").none() = nb::none())
      .def(
          "set_push_options",
          [](PyOptimizer& optimizer, double clip_norm, double clip_value, double weight_decay,
             bool allow_nonfinite) {
            optimizer->with({.clip_norm = clip_norm,
                             .clip_value = clip_value,
                             .weight_decay = weight_decay,
                             .allow_nonfinite = allow_nonfinite});
          },
          "clip_norm"_a, "clip_value"_a, "weight_decay"_a, "allow_nonfinite"_a);
}

// Shared with a call that may go on when the Python object is gone.
using PySaver = Held<std::shared_ptr<train::Saver>>;

PySaver NewSaver(nb::handle var_list, size_t max_to_keep, bool with_slots) {
  const std::shared_ptr<GraphBox> box = GraphBox::Default();
  const train::SaverOptions options{.max_to_keep = max_to_keep, .with_slots = with_slots};
  if (var_list.is_none()) return {box, std::make_shared<train::Saver>(options)};
  if (nb::isinstance<nb::dict>(var_list)) {
    std::map<std::string, Variable> named;
    for (const auto& [name, variable] : nb::borrow<nb::dict>(var_list)) {
      named.emplace(nb::cast<std::string>(name), ToVariable(variable));
    }
    return {box, std::make_shared<train::Saver>(named, options)};
  }
  const std::vector<Variable> variables = ToVariables(var_list);
  return {box, std::make_shared<train::Saver>(variables, options)};
}

void AddSaver(nb::module_& m) {
  nb::class_<PySaver>(m, "Saver")
      .def(
          "__init__",
          [](PySaver* self, nb::handle var_list, size_t max_to_keep, bool with_slots) {
            new (self) PySaver(NewSaver(var_list, max_to_keep, with_slots));
          },
          nb::arg("var_list").none(), "max_to_keep"_a, "with_slots"_a)
      .def(
          "save",
          [](const PySaver& saver, const PySession& session, std::string path,
             std::optional<int64_t> global_step) {
            return DefineIn(saver.box()->graph, [saver = *saver, session = *session,
                                                 path = std::move(path), global_step]() mutable {
              return saver->save(session, path, global_step);
            });
          },
          "session"_a, "save_path"_a, nb::arg("global_step").none())
      .def(
          "restore",
          [](const PySaver& saver, const PySession& session, std::string path) {
            DefineIn(saver.box()->graph,
                     [saver = *saver, session = *session, path = std::move(path)]() mutable {
                       saver->restore(session, path);
                       return true;
                     });
          },
          "session"_a, "save_path"_a)
      .def_prop_ro("last_checkpoints",
                   [](const PySaver& saver) { return (*saver)->last_checkpoints(); });
  m.def("latest_checkpoint", &train::latest_checkpoint, "checkpoint_dir"_a,
        nb::call_guard<WithoutGil>());
}

}  // namespace

void AddTrain(nb::module_& m) {
  AddGradients(m);
  AddOptimizers(m);
  AddSaver(m);
}

}  // namespace varscope::python
