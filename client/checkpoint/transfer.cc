#include "client/checkpoint/transfer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/checkpoint/tensors.h"
#include "proto/naming/names.h"
#include "proto/tensor/nearest.h"
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

// Of every name, it and the scopes that it is in.
std::vector<std::string> WithScopes(const std::vector<std::string>& names) {
  std::set<std::string> all(names.begin(), names.end());
  for (const std::string& name : names) {
    for (size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
      all.insert(name.substr(0, at));
    }
  }
  return {all.begin(), all.end()};
}

// An option that fits nothing is a mistake: `names` are those that are `there`.
void CheckFits(const std::string& option, const std::string& prefix,
               const std::vector<std::string>& names, const std::string& there) {
  const auto fits = [&](const std::string& name) { return IsUnder(prefix, name); };
  if (std::any_of(names.begin(), names.end(), fits)) return;
  const std::string nearest = Nearest(prefix, WithScopes(names));
  throw NotFoundError(absl::StrCat(there, " has nothing that is '", prefix, "' or under it (",
                                   option, ")", DidYouMean(nearest)));
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

// Whether the options ask for this tensor, not only for a scope that it is in.
bool IsNamed(const std::string& name, const TransferOptions& options) {
  return std::find(options.scopes.begin(), options.scopes.end(), name) != options.scopes.end();
}

std::vector<std::string> KeysOf(const std::map<std::string, std::string>& map) {
  std::vector<std::string> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

[[noreturn]] void ThrowNothingToAssign(const std::filesystem::path& path,
                                       const std::vector<std::string>& skipped) {
  if (skipped.empty()) throw NotFoundError(absl::StrCat(path.string(), " has no tensors"));
  throw NotFoundError(absl::StrCat("nothing of ", path.string(), " can be assigned; left out ",
                                   skipped.size(), ", such as ", skipped.front()));
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
    definition.creator.file = "varscopectl import";
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
  std::vector<std::string> all;
  std::vector<std::string> names;
  for (const ListedVariable& variable : store.List("")) {
    all.push_back(variable.name);
    if (!Wanted(variable.name, options) || !variable.initialized) continue;
    if (!options.slots && !variable.primary.empty()) continue;
    names.push_back(variable.name);
  }
  for (const std::string& scope : options.scopes) CheckFits("--scope", scope, all, "the store");
  for (const auto& [here, there] : options.renames) {
    CheckFits("--rename", here, all, "the store");
  }
  if (names.empty()) throw NotFoundError("no variable of the store has a value to export");
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
  const std::unique_ptr<Reader> file = Open(path);
  std::map<std::string, std::string> saved;  // by the names that the store has
  for (const std::string& name : file->names()) {
    const auto [it, fresh] = saved.emplace(ToStore(name, options), name);
    if (fresh) continue;
    throw InvalidArgumentError(absl::StrCat("'", it->second, "' and '", name, "' of ",
                                            path.string(), " would both be variable ", it->first));
  }
  for (const auto& [here, there] : options.renames) {
    CheckFits("--rename", there, file->names(), path.string());
  }
  for (const std::string& scope : options.scopes) {
    CheckFits("--scope", scope, KeysOf(saved), path.string());
  }
  std::map<std::string, ListedVariable> known;
  for (const ListedVariable& variable : store.List("")) known[variable.name] = variable;
  Transferred done;
  std::map<std::string, Tensor> missing;
  PushRequest push{.steps = {}, .assignments = {}, .allow_nonfinite = true};
  for (const auto& [name, there] : saved) {
    if (!Wanted(name, options)) continue;
    const auto variable = known.find(name);
    const bool has = variable != known.end();
    if (!has && !options.create) {
      done.skipped.push_back(absl::CHexEscape(there) +
                             ": the store has no such variable (--create)");
      continue;
    }
    Tensor value;
    try {
      value = file->Read(there);
    } catch (const InvalidArgumentError& not_held) {
      if (has || IsNamed(name, options)) throw;
      done.skipped.push_back(not_held.message());
      continue;
    }
    if (has) value = WidenFor(variable->second.dtype, value);
    if (!has) {
      missing[name] = value;
    } else if (variable->second.dtype != value.dtype() || variable->second.shape != value.shape()) {
      throw InvalidArgumentError(
          absl::StrCat("variable ", name, " is ", Name(variable->second.dtype), " ",
                       variable->second.shape.ToString(), ", in ", path.string(), " ", there,
                       " is ", Name(value.dtype()), " ", value.shape().ToString()));
    }
    ++done.tensors;
    done.bytes += value.byte_size();
    push.assignments.push_back({name, AssignOp::kAssign, value, Tensor()});
  }
  if (push.empty()) ThrowNothingToAssign(path, done.skipped);
  Create(store, missing);
  store.Push(push);
  return done;
}

}  // namespace varscope::checkpoint
