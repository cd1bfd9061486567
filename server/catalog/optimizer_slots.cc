#include "server/catalog/optimizer_slots.h"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/state_key.h"
#include "server/catalog/creation.h"
#include "server/catalog/name_table.h"
#include "server/catalog/room.h"
#include "server/catalog/unique_names.h"

namespace varscope::server {
namespace {

std::string StateKey(const std::string& owner, const OptimizerSpec& spec, const SlotNames& names,
                     size_t states) {
  return varscope::StateKey({.owner = owner,
                             .optimizer = spec.optimizer,
                             .name = spec.name,
                             .instance = spec.instance,
                             .names = {names.begin(), names.end()},
                             .states = states});
}

const std::string& NameIn(const VariablePtr& variable) { return variable->def.name; }
const std::string& NameIn(const std::string& name) { return name; }

// In `states`, by their keys, the state of that owner's optimizer under these names: one of these
// names that somebody made without naming it, as earlier workers did, who then share it; else the
// one that was made for these names; null: none. Whatever is made later, the answer stays: a state
// of these names made before keeps them, and none can get them after. So recovery, which makes all
// states of a push before it finds the first, finds the same.
template <typename States>
const typename States::mapped_type* FindState(const States& states, const std::string& owner,
                                              const OptimizerSpec& spec, const SlotNames& names,
                                              size_t count) {
  const auto unnamed = states.find(StateKey(owner, spec, {}, count));
  if (names.empty()) return unnamed == states.end() ? nullptr : &unnamed->second;
  const auto is = [](const auto& state, const std::string& name) { return NameIn(state) == name; };
  if (unnamed != states.end() &&
      std::equal(unnamed->second.begin(), unnamed->second.end(), names.begin(), names.end(), is)) {
    return &unnamed->second;
  }
  const auto named = states.find(StateKey(owner, spec, names, count));
  return named == states.end() ? nullptr : &named->second;
}

// Of all names of a request.
absl::Status CheckNames(const StateRequest& request) {
  absl::Status status = CheckSlotNames(request.spec.non_slots, request.optimizer.non_slots.size(),
                                       request.spec.group, request.spec.optimizer);
  const size_t slots = request.optimizer.slots(request.hyperparameters).size();
  for (const SlotOwner& owner : request.owners) {
    if (!status.ok()) break;
    status = CheckSlotNames(owner.names, slots, owner.variable.def.name, request.spec.optimizer);
  }
  return status;
}

// One state that is wanted: the slots of a variable, or the non-slot variables of an optimizer.
struct Wanted {
  const StateRequest& request;
  const std::vector<optimizers::StateDef>& state;
  const SlotNames& given;   // its names
  const Variable* primary;  // null: non-slot variables

  const OptimizerSpec& spec() const { return request.spec; }
  const std::string& owner() const { return primary ? primary->def.name : spec().group; }
  // Before it is made unique.
  std::string NameOf(size_t i) const {
    if (!given.empty()) return given[i];
    return primary ? absl::StrCat(owner(), "/", spec().name) : std::string(state[i].name);
  }
};

// Its i-th variable.
NewVariable NewState(const Wanted& wanted, size_t i, const std::string& name) {
  const StateRequest& request = wanted.request;
  const Variable* const primary = wanted.primary;
  InitializerSpec spec{.kind = "constant"};
  spec.parameters["value"] =
      optimizers::InitialValue(request.optimizer, request.hyperparameters, wanted.state[i]);
  return {VariableDefinition{.name = name,
                             .key = "",
                             .kind = VariableKind::kSlot,
                             .dtype = primary ? primary->def.dtype : DType::kFloat32,
                             .shape = primary ? primary->def.shape : Shape{},
                             .trainable = false,
                             .primary = wanted.owner(),
                             .creator = request.creator,
                             .initializer = ToString(spec)},
          std::move(spec), Shape{}};
}

// Goes through all states that some requests want, by parts: whoever holds a lock of the catalog
// meanwhile holds it for a part.
class Walk {
 public:
  // Few enough that nobody notices the wait, and more than most pushes want.
  static constexpr int kPart = 256;

  explicit Walk(std::span<const StateRequest> requests) : requests_(requests) {}

  bool done() const { return request_ == requests_.size(); }
  // Of the request that is visited.
  size_t request() const { return request_; }
  // Calls `visit` for the next part, until it returns false.
  void Part(absl::FunctionRef<bool(const Wanted&)> visit) {
    for (int visited = 0; !done();) {
      const StateRequest& request = requests_[request_];
      const std::vector<optimizers::StateDef> slots =
          request.optimizer.slots(request.hyperparameters);
      for (; next_ <= request.owners.size(); ++next_) {
        if (visited++ == kPart) return;
        const SlotOwner* const owner = next_ == 0 ? nullptr : &request.owners[next_ - 1];
        const bool go_on =
            owner == nullptr
                ? visit({request, request.optimizer.non_slots, request.spec.non_slots, nullptr})
                : visit({request, slots, owner->names, &owner->variable});
        if (!go_on) return;
      }
      ++request_;
      next_ = 0;
    }
  }

 private:
  const std::span<const StateRequest> requests_;
  size_t request_ = 0;
  size_t next_ = 0;  // of its states: 0: non-slot variables, then each owner's slots
};
// Sums up what some requests miss, before any of it is planned or made.
class MissingStates {
 public:
  MissingStates(const StoreLimits& limits, const NameTable& there) : room_(limits, there) {}

  // As Room::Take: what was added does not fit.
  absl::Status Add(const Wanted& wanted) {
    const std::string key =
        StateKey(wanted.owner(), wanted.spec(), wanted.given, wanted.state.size());
    // Requests may want the same; that few seem to by chance does no harm.
    if (!seen_.insert(absl::HashOf(key, wanted.primary == nullptr)).second) return absl::OkStatus();
    absl::Status status;
    for (size_t i = 0; status.ok() && i < wanted.state.size(); ++i) {
      status = room_.Take(NewState(wanted, i, wanted.NameOf(i)).definition);
    }
    return status;
  }

 private:
  Room room_;
  std::unordered_set<size_t> seen_;
};

// What there is of all states that the requests want; whether that is all. With an error, what is
// missing does not fit.
absl::StatusOr<bool> FindStates(const Catalog& catalog, std::span<const StateRequest> requests,
                                std::vector<OptimizerState>& found) {
  found = std::vector<OptimizerState>(requests.size());
  absl::Status fits;
  std::optional<MissingStates> missing;
  Walk walk(requests);
  const auto find = [&](const NameTable& names) {
    walk.Part([&](const Wanted& wanted) {
      OptimizerState& state = found[walk.request()];
      StateVariables& out =
          wanted.primary == nullptr ? state.non_slots : state.slots.emplace_back();
      if (wanted.state.empty()) return true;
      const NameTable::States& there =
          wanted.primary == nullptr ? names.non_slots() : names.slots();
      const std::vector<VariablePtr>* const one =
          FindState(there, wanted.owner(), wanted.spec(), wanted.given, wanted.state.size());
      if (one != nullptr) {
        for (const VariablePtr& variable : *one) out.push_back(variable.get());
        return true;
      }
      if (!missing) missing.emplace(catalog.limits(), names);
      fits = missing->Add(wanted);
      return fits.ok();
    });
  };
  while (fits.ok() && !walk.done()) catalog.Read(find);
  if (!fits.ok()) return fits;
  return !missing;
}

// What is to be made of slots, or of non-slot variables.
struct PlannedStates {
  const NameTable::States& there;
  std::vector<StateNames>& missing;
  NameTable::Map<std::string, std::vector<std::string>> names = {};  // of `missing`, by key
};

// The next of those that the requests need and are not there.
CreationBatch PlanStates(Walk& walk, const NameTable& names) {
  // While they are made, nobody else creates.
  constexpr size_t kNewAtOnce = 64;
  CreationBatch batch;
  PlannedStates all_slots{names.slots(), batch.slots};
  PlannedStates all_non_slots{names.non_slots(), batch.non_slots};
  UniqueNames unique(names);
  walk.Part([&](const Wanted& wanted) {
    if (batch.variables.size() >= kNewAtOnce) return false;
    PlannedStates& planned = wanted.primary == nullptr ? all_non_slots : all_slots;
    const size_t count = wanted.state.size();
    const auto is_in = [&](const auto& states) {
      return FindState(states, wanted.owner(), wanted.spec(), wanted.given, count) != nullptr;
    };
    if (count == 0 || is_in(planned.there) || is_in(planned.names)) return true;
    StateNames made{StateKey(wanted.owner(), wanted.spec(), wanted.given, count), {}};
    for (size_t i = 0; i < count; ++i) {
      std::string name = unique.Take(wanted.NameOf(i));
      batch.variables.push_back(NewState(wanted, i, name));
      made.variables.push_back(std::move(name));
    }
    planned.names[made.key] = made.variables;
    planned.missing.push_back(std::move(made));
    return true;
  });
  return batch;
}

}  // namespace

absl::Status CheckSlotNames(const SlotNames& names, size_t states, absl::string_view owner,
                            const std::string& optimizer) {
  if (names.empty() || names.size() == states) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "variable ", owner, ": ", names.size(), " names for the ", states, " states of ", optimizer));
}

absl::StatusOr<std::vector<OptimizerState>> GetOrCreateSlots(
    Catalog& catalog, std::span<const StateRequest> requests) {
  for (const StateRequest& request : requests) {
    if (absl::Status status = CheckNames(request); !status.ok()) return status;
  }
  std::vector<OptimizerState> found;
  absl::StatusOr<bool> all = FindStates(catalog, requests, found);
  if (!all.ok()) return all.status();
  if (*all) return found;
  Walk walk(requests);
  const auto plan = [&](const NameTable& names) { return PlanStates(walk, names); };
  while (!walk.done()) {
    if (absl::Status status = catalog.Create(plan).status(); !status.ok()) return status;
  }
  all = FindStates(catalog, requests, found);
  if (!all.ok()) return all.status();
  if (*all) return found;
  return absl::InternalError("the state of an optimizer was made and is not there");
}

}  // namespace varscope::server
