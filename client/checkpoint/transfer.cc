#include "client/checkpoint/transfer.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "client/checkpoint/tensors.h"
#include "proto/core/names.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

using internal::Definition;
using internal::ListedVariable;
using internal::PushRequest;
using internal::RemoteStore;

bool Wanted(const std::string& name, const TransferOptions& options) {
  return options.scopes.empty() ||
         std::any_of(options.scopes.begin(), options.scopes.end(),
                     [&](const std::string& scope) { return IsUnder(scope, name); });
}

std::string ToCheckpoint(const std::string& name, const TransferOptions& options) {
  for (const auto& [here, there] : options.renames) {
    if (IsUnder(here, name)) return there + name.substr(here.size());
  }
  return name;
}

std::string ToStore(const std::string& name, const TransferOptions& options) {
  for (const auto& [here, there] : options.renames) {
    if (IsUnder(there, name)) return here + name.substr(there.size());
  }
  return name;
}

void Create(RemoteStore& store, const std::map<std::string, Tensor>& missing) {
  if (missing.empty()) return;
  std::vector<Definition> definitions;
  for (const auto& [name, value] : missing) {
    Definition definition{.key = name,
                          .name = name,
                          .dtype = value.dtype(),
                          .shape = value.shape(),
                          .reuse = Reuse::kAuto};
    definition.initializer = InitializerSpec{.kind = "zeros"};
    definition.definer.file = "varscopectl import";
    definitions.push_back(std::move(definition));
  }
  for (const internal::Resolved& resolved : store.Resolve(definitions)) {
    if (resolved.outcome == internal::Resolved::Outcome::kRefused) {
      throw ValueError(resolved.message, resolved.detail);
    }
  }
}

}  // namespace

Transferred Export(RemoteStore& store, const std::filesystem::path& path,
                   const TransferOptions& options) {
  std::vector<std::string> names;
  for (const ListedVariable& variable : store.List("")) {
    if (!Wanted(variable.name, options) || !variable.initialized) continue;
    if (!options.slots && !variable.primary.empty()) continue;
    names.push_back(variable.name);
  }
  if (names.empty()) throw NotFoundError("no variable of the store is in what was asked for");
  internal::PullResult values = store.PullWhole(names);
  Transferred done{.tensors = names.size()};
  Tensors tensors;
  for (size_t i = 0; i < names.size(); ++i) {
    done.bytes += values[i].value.byte_size();
    const bool fresh =
        tensors.emplace(ToCheckpoint(names[i], options), values.Take(i).value).second;
    if (!fresh) {
      throw InvalidArgumentError(absl::StrCat(
          "two variables would be '", ToCheckpoint(names[i], options), "' in the checkpoint"));
    }
  }
  Write(path, tensors);
  return done;
}

Transferred Import(RemoteStore& store, const std::filesystem::path& path,
                   const TransferOptions& options) {
  std::map<std::string, ListedVariable> known;
  for (const ListedVariable& variable : store.List("")) known[variable.name] = variable;
  Transferred done;
  std::map<std::string, Tensor> missing;
  PushRequest push{.steps = {}, .assignments = {}, .allow_nonfinite = true};
  for (auto& [saved, value] : Read(path)) {
    const std::string name = ToStore(saved, options);
    if (!Wanted(name, options)) continue;
    const auto variable = known.find(name);
    if (variable == known.end()) {
      if (!options.create) {
        done.skipped.push_back(saved);
        continue;
      }
      missing[name] = value;
    } else if (variable->second.dtype != value.dtype() || variable->second.shape != value.shape()) {
      throw InvalidArgumentError(
          absl::StrCat("variable ", name, " is ", Name(variable->second.dtype), " ",
                       variable->second.shape.ToString(), ", in ", path.string(), " ", saved,
                       " is ", Name(value.dtype()), " ", value.shape().ToString()));
    }
    ++done.tensors;
    done.bytes += value.byte_size();
    push.assignments.push_back({name, PushRequest::AssignOp::kAssign, value, Tensor()});
  }
  Create(store, missing);
  if (!push.empty()) store.Push(push);
  return done;
}

}  // namespace varscope::checkpoint
