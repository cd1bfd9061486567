#include "varscope/saver.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/checkpoint/parts.h"
#include "client/checkpoint/saved_names.h"
#include "client/checkpoint/state_file.h"
#include "client/checkpoint/tensors.h"
#include "client/graph/handles.h"
#include "client/graph/optimizer_state.h"
#include "client/graph/remote_store.h"
#include "client/graph/state.h"
#include "client/graph/variable_state.h"
#include "client/session/access.h"
#include "varscope/errors.h"

namespace varscope::train {
namespace {

namespace fs = std::filesystem;
using checkpoint::SavedName;
using checkpoint::SavedNames;
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

// Without those slots that the store does not have, when `all_there_are` are saved.
std::vector<Saved> SavedVariables(const Session& session, const std::vector<SavedName>& names,
                                  bool all_there_are) {
  internal::StoredSlots& slots = SessionAccess::SlotsOf(session);
  const internal::StoredSlots::Names there = slots.All(SessionAccess::GraphOf(session));
  std::vector<Saved> saved;
  for (const SavedName& name : names) {
    const auto is_missing = [&](const internal::VariableState* part) {
      return part->slot && !there.contains(part);
    };
    if (all_there_are && std::any_of(name.parts.begin(), name.parts.end(), is_missing)) continue;
    Saved one{.name = name.name, .partitions = name.partitions};
    for (const internal::VariableState* part : name.parts) {
      one.parts.push_back(slots.NameOf(*part));
    }
    saved.push_back(std::move(one));
  }
  return saved;
}

// Those that are not there yet: of the graph under its names, of others under the store's.
void AddSlots(const Session& session, std::vector<Saved>& saved) {
  std::set<std::string> primaries;
  for (const Saved& one : saved) primaries.insert(one.parts.begin(), one.parts.end());
  std::map<std::string, std::string> own;  // by the store's names
  for (const auto& [slot, name] :
       SessionAccess::SlotsOf(session).All(SessionAccess::GraphOf(session))) {
    own[name] = slot->name;
  }
  for (const ListedVariable& listed : SessionAccess::StoreOf(session).List("")) {
    const std::string& name = listed.name;
    if (!primaries.contains(listed.primary) || primaries.contains(name)) continue;
    const auto known = own.find(name);
    const bool is_own = known != own.end();
    saved.push_back({.name = is_own ? known->second : name, .parts = {name}, .required = is_own});
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
  const std::vector<SavedName> named = SavedNames(SessionAccess::GraphOf(session), variables_,
                                                  [](const std::string&) { return true; });
  std::vector<Saved> saved = SavedVariables(session, named, with_slots_);
  if (with_slots_) AddSlots(session, saved);
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
  const auto throw_without = [&](const std::string& name) {
    if (there.contains(name)) return;
    throw NotFoundError(absl::StrCat("Key ", name, " not found in checkpoint ", save_path));
  };
  internal::GraphState& graph = SessionAccess::GraphOf(session);
  const std::vector<SavedName> named =
      SavedNames(graph, variables_, [&](const std::string& name) { return there.contains(name); });
  std::vector<internal::VariableState*> needed;
  for (const SavedName& one : named) {
    // Of an optimizer that the server refuses there are no slots, and need be none.
    if (!with_slots_ || !one.parts.front()->slot) throw_without(one.name);
    needed.insert(needed.end(), one.parts.begin(), one.parts.end());
  }
  SessionAccess::SlotsOf(session).Make(with_slots_ ? internal::SlotsIn(graph) : needed);
  std::vector<Saved> saved = SavedVariables(session, named, with_slots_);
  if (with_slots_) AddSlots(session, saved);
  std::map<std::string, ListedVariable> listed;
  for (ListedVariable& variable : store.List("")) listed[variable.name] = variable;
  std::vector<PushRequest::Assignment> assignments;
  for (const Saved& one : saved) {
    if (!one.required && !there.contains(one.name)) continue;
    throw_without(one.name);
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
