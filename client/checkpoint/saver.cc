#include "varscope/saver.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/checkpoint/parts.h"
#include "client/checkpoint/state_file.h"
#include "client/checkpoint/tensors.h"
#include "client/graph/apply_spec.h"
#include "client/graph/creation.h"
#include "client/graph/handles.h"
#include "client/graph/log.h"
#include "client/graph/op_def.h"
#include "client/graph/optimizer_state.h"
#include "client/graph/remote_store.h"
#include "client/graph/state.h"
#include "client/graph/variable_state.h"
#include "client/session/access.h"
#include "proto/optimizers/optimizer.h"
#include "varscope/errors.h"

namespace varscope::train {
namespace {

namespace fs = std::filesystem;
using checkpoint::Tensors;
using internal::ListedVariable;
using internal::PushRequest;
using internal::RemoteStore;
using internal::SessionAccess;
using internal::Unwrap;

// Variables by the names that they have without ":0".
std::map<std::string, Variable> ByName(std::span<const Variable> variables) {
  std::map<std::string, Variable> by_name;
  for (const Variable& variable : variables) {
    by_name[std::string(absl::StripSuffix(variable.name(), ":0"))] = variable;
  }
  return by_name;
}

// What one tensor of the checkpoint is in the store: a variable, the parts of one, or a slot.
struct Saved {
  std::string name;                // in the checkpoint
  std::vector<std::string> parts;  // in the store
  std::vector<int64_t> partitions;
  bool required = true;
};

// ValueError when one belongs to another graph than `graph`.
std::vector<Saved> SavedVariables(const internal::GraphState& graph,
                                  const std::map<std::string, Variable>& variables) {
  std::vector<Saved> saved;
  for (const auto& [name, variable] : variables) {
    Saved one{.name = name, .partitions = graph.Own(variable)->partitions};
    for (const Variable& part : variable.parts()) one.parts.push_back(Unwrap(part)->name);
    saved.push_back(std::move(one));
  }
  return saved;
}

void AddSlots(RemoteStore& store, const std::set<std::string>& required,
              std::vector<Saved>& saved) {
  std::set<std::string> primaries;
  for (const Saved& one : saved) primaries.insert(one.parts.begin(), one.parts.end());
  for (const ListedVariable& listed : store.List("")) {
    if (listed.primary.empty() || !primaries.contains(listed.primary)) continue;
    saved.push_back(
        {.name = listed.name, .parts = {listed.name}, .required = required.contains(listed.name)});
  }
}

// "model.npz" and 7: "model-7.npz".
std::string WithStep(const std::string& path, std::optional<int64_t> step) {
  if (!step) return path;
  if (checkpoint::FormatOf(path) == checkpoint::Format::kTensorBundle) {
    return absl::StrCat(path, "-", *step);
  }
  fs::path file = path;
  file.replace_filename(absl::StrCat(fs::path(path).stem().string(), "-", *step,
                                     fs::path(path).extension().string()));
  return file;
}

// A hyperparameter, as far as slots may depend on it: instead of a schedule's, which is not known
// here, the rule's default, or 0.
double NumberOf(const std::string& optimizer, const std::string& hyperparameter,
                const internal::NodeOutput& output) {
  const internal::Node& node = *output.node;
  if (node.def->name == "Const") {
    return internal::CastTensor(node.attrs.tensor("value"), DType::kFloat64).scalar<double>();
  }
  const optimizers::Optimizer* const rule = optimizers::FindOptimizer(optimizer);
  if (rule == nullptr) return 0;
  for (const optimizers::HyperparameterDef& def : rule->hyperparameters) {
    if (def.name == hyperparameter && !std::isnan(def.default_value)) return def.default_value;
  }
  return 0;
}

PushRequest::Step SlotsOf(const internal::Node& node) {
  const internal::ApplySpec& spec = *node.apply;
  PushRequest::Step step;
  step.creator = spec.creator;
  step.state = internal::StateOf(spec);
  for (size_t i = 0; i < spec.hyperparameters.size(); ++i) {
    const std::string& name = spec.hyperparameters[i];
    step.state.hyperparameters[name] = NumberOf(spec.optimizer, name, node.inputs[i]);
  }
  for (const auto& update : spec.updates) {
    step.create_slots.push_back(
        {update.variable->name, internal::SlotNamesOf(spec, update.variable)});
  }
  step.state.group = spec.slots->variables.front()->name;
  return step;
}

// Makes the slots of the graph's optimizers exist, and returns their names. Those of an optimizer
// whose pushes the server would refuse, too, are left out with a warning.
std::set<std::string> GetOrCreateSlots(internal::GraphState& graph, RemoteStore& store) {
  std::set<std::string> names;
  for (const auto& node : graph.nodes()) {
    if (node->apply == nullptr) continue;
    PushRequest push;
    push.steps.push_back(SlotsOf(*node));
    const PushRequest::Step& step = push.steps.front();
    try {
      store.Push(push);
    } catch (const InvalidArgumentError& error) {
      internal::Log().warn(absl::StrCat("restore makes no slots for optimizer ", step.state.name,
                                        ": ", error.message()));
      continue;
    }
    names.insert(step.state.non_slots.begin(), step.state.non_slots.end());
    for (const PushRequest::SlotCreation& creation : step.create_slots) {
      names.insert(creation.slots.begin(), creation.slots.end());
    }
  }
  return names;
}

std::map<std::string, Variable> CheckedList(std::map<std::string, Variable> variables) {
  if (variables.empty()) throw ValueError("No variables to save");
  for (const auto& [name, variable] : variables) Unwrap(variable);  // defined?
  return variables;
}

}  // namespace

Saver::Saver(SaverOptions options)
    : graph_(Graph::get_default()),
      variables_(CheckedList(ByName(global_variables()))),
      with_slots_(true),
      options_(options) {}

Saver::Saver(std::span<const Variable> var_list, SaverOptions options)
    : Saver(ByName(var_list), options) {}

Saver::Saver(const std::map<std::string, Variable>& var_list, SaverOptions options)
    : graph_(Graph::get_default()),
      variables_(CheckedList(var_list)),
      with_slots_(options.with_slots),
      options_(options) {}

std::string Saver::save(Session& session, const std::string& save_path,
                        std::optional<int64_t> global_step) {
  RemoteStore& store = SessionAccess::StoreOf(session);
  std::vector<Saved> saved = SavedVariables(SessionAccess::GraphOf(session), variables_);
  if (with_slots_) AddSlots(store, {}, saved);
  std::vector<std::string> names;
  for (const Saved& one : saved) names.insert(names.end(), one.parts.begin(), one.parts.end());
  internal::PullResult values = store.PullWhole(names);
  Tensors tensors;
  size_t next = 0;
  for (const Saved& one : saved) {
    std::vector<Tensor> parts;
    for (size_t i = 0; i < one.parts.size(); ++i) parts.push_back(values.Take(next++).value);
    tensors[one.name] = checkpoint::Join(parts, one.partitions);
  }
  const std::string path = WithStep(save_path, global_step);
  checkpoint::Write(path, tensors);

  std::erase(last_, path);
  last_.push_back(path);
  while (options_.max_to_keep > 0 && last_.size() > options_.max_to_keep) {
    checkpoint::Remove(last_.front());
    last_.pop_front();
  }
  const fs::path folder = fs::path(path).parent_path();
  std::vector<std::string> noted;
  for (const std::string& one : last_) {
    const bool beside = fs::path(one).parent_path() == folder;
    noted.push_back(beside ? fs::path(one).filename().string() : fs::absolute(one).string());
  }
  checkpoint::WriteStateFile(folder.empty() ? "." : folder, noted);
  return path;
}

void Saver::restore(Session& session, const std::string& save_path) const {
  RemoteStore& store = SessionAccess::StoreOf(session);
  const std::unique_ptr<checkpoint::Reader> file = checkpoint::Open(save_path);
  const std::vector<std::string> names = file->names();
  const std::set<std::string> there(names.begin(), names.end());
  std::vector<Saved> saved = SavedVariables(SessionAccess::GraphOf(session), variables_);
  for (const Saved& one : saved) {
    if (!there.contains(one.name)) {
      throw NotFoundError(absl::StrCat("Key ", one.name, " not found in checkpoint ", save_path));
    }
  }
  if (with_slots_) AddSlots(store, GetOrCreateSlots(*Unwrap(graph_), store), saved);
  std::map<std::string, ListedVariable> listed;
  for (ListedVariable& variable : store.List("")) listed[variable.name] = variable;
  std::vector<PushRequest::Assignment> assignments;
  for (const Saved& one : saved) {
    if (!there.contains(one.name)) {
      if (!one.required) continue;
      throw NotFoundError(absl::StrCat("Key ", one.name, " not found in checkpoint ", save_path));
    }
    Tensor tensor = file->Read(one.name);
    std::vector<Shape> shapes;
    for (const std::string& part : one.parts) {
      const auto known = listed.find(part);
      if (known == listed.end()) {
        throw NotFoundError(absl::StrCat("variable ", part, " is not in the store"));
      }
      shapes.push_back(known->second.shape);
      tensor = checkpoint::WidenFor(known->second.dtype, tensor);
      if (known->second.dtype == tensor.dtype()) continue;
      throw InvalidArgumentError(absl::StrCat("tensor ", one.name, " is ", Name(tensor.dtype()),
                                              " in the checkpoint ", save_path, ", variable ", part,
                                              " is ", Name(known->second.dtype)));
    }
    const std::vector<Tensor> parts = checkpoint::Cut(tensor, one.partitions, shapes);
    if (parts.empty()) {
      throw InvalidArgumentError(absl::StrCat(
          "Assign requires shapes of both tensors to match. lhs shape= ", shapes[0].ToString(),
          one.parts.size() > 1 ? " and further parts" : "",
          " rhs shape= ", tensor.shape().ToString(), " (", one.name, ")"));
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      assignments.push_back({one.parts[i], AssignOp::kAssign, parts[i], Tensor()});
    }
  }
  SessionAccess::Assign(session, assignments);
}

std::string latest_checkpoint(const std::string& checkpoint_dir) {
  return checkpoint::ReadStateFile(checkpoint_dir);
}

}  // namespace varscope::train
