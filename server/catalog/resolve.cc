#include "server/catalog/resolve.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/naming/names.h"
#include "proto/tensor/allocate.h"
#include "server/auth/rights.h"
#include "server/catalog/initializers.h"
#include "server/catalog/unique_names.h"

namespace varscope::server {
namespace {

uint64_t SeedFor(Env& env, const std::optional<InitializerSpec>& initializer) {
  if (initializer && initializer->seed) return *initializer->seed;
  return env.Random64();
}

// "float32 (2, 3) trainable, by worker 'a' (host:7) at train.cc:3"
std::string Describe(DType dtype, const std::string& shape, std::optional<bool> trainable,
                     const Creator& creator) {
  const absl::string_view flag = !trainable ? "" : *trainable ? " trainable" : " not trainable";
  return absl::StrCat(Name(dtype), " ", shape, flag, ", by ", ToString(creator));
}

std::string DescribeRequest(const ResolveRequest& r) {
  std::string text = Describe(r.request.dtype, r.request.shape ? r.request.shape->ToString() : "?",
                              r.trainable, r.creator);
  return r.request.partitions ? "partitioned " + text : text;
}

std::string DescribeVariable(const Variable& v) {
  return Describe(v.def.dtype, v.def.shape.ToString(), v.def.trainable, v.def.creator);
}

// The part of a whole-variable value that belongs to one partition.
absl::StatusOr<std::optional<InitializerSpec>> SliceInitializer(
    const std::optional<InitializerSpec>& whole, const Part& part) {
  if (!whole || whole->kind != "value") return whole;
  InitializerSpec spec = *whole;
  absl::StatusOr<Tensor> value = TryAllocate(whole->value.dtype(), part.shape);
  if (!value.ok()) return value.status();
  spec.value = *std::move(value);
  const Shape& full = whole->value.shape();
  int axis = 0;
  while (axis + 1 < full.rank() && full.dim(axis) == part.shape.dim(axis)) ++axis;
  int64_t outer = 1;
  for (int i = 0; i < axis; ++i) outer *= full.dim(i);
  size_t inner = SizeOf(whole->value.dtype());
  for (int i = axis + 1; i < full.rank(); ++i) inner *= full.dim(i);
  const size_t length = part.shape.dim(axis) * inner;
  for (int64_t o = 0; o < outer; ++o) {
    std::memcpy(spec.value.mutable_raw() + o * length,
                whole->value.raw() + (o * full.dim(axis) + part.offset[axis]) * inner, length);
  }
  return spec;
}

absl::Status CheckWholeValue(const ResolveRequest& r) {
  if (!r.initializer || r.initializer->kind != "value" || !r.request.shape) return absl::OkStatus();
  const Tensor& value = r.initializer->value;
  if (value.defined() && value.shape() == *r.request.shape && value.dtype() == r.request.dtype) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("variable ", Printable(r.request.key),
                   ": the initial value's bytes do not fit the dtype and shape"));
}

Decision Refuse(const ResolveRequest& request, std::string message, const Variable& conflicting) {
  return {
      .resolution = Resolution{.outcome = Resolution::Outcome::kRefused,
                               .message = std::move(message),
                               .detail = absl::StrCat("defined:   ", DescribeVariable(conflicting),
                                                      "\nrequested: ", DescribeRequest(request)),
                               .creators = {conflicting.def.creator}},
      .creation = {}};
}

absl::StatusOr<Decision> AttachShared(const Caller& caller, const ResolveRequest& request,
                                      std::vector<VariablePtr> found) {
  const std::string& key = request.request.key;
  if (absl::Status status = Authorize(caller, Right::kRead, key); !status.ok()) return status;
  const Variable& first = *found.front();
  if (request.trainable && *request.trainable != first.def.trainable) {
    const auto python = [](bool value) { return value ? "True" : "False"; };
    return Refuse(request,
                  absl::StrCat("Trying to share variable ", key, ", but specified trainable ",
                               python(*request.trainable), " and found trainable ",
                               python(first.def.trainable), "."),
                  first);
  }
  Decision attached{
      Resolution{.outcome = Resolution::Outcome::kAttached, .variables = std::move(found)}, {}};
  if (request.initializer && first.def.creator.worker_id != caller.worker_id) {
    const std::string asked = ToString(*request.initializer);
    if (asked != first.def.initializer) {
      attached.resolution.warning =
          absl::StrCat("variable ", key, " keeps the first initializer, ", first.def.initializer,
                       " by ", ToString(first.def.creator), "; not used: ", asked);
    }
  }
  return attached;
}

// The name that a new variable gets which was asked for as `asked` and is called `proposed` in the
// worker's graph.
absl::StatusOr<std::string> TakeName(UniqueNames& unique, const GroupPrefixes& groups,
                                     const std::string& asked, const std::string& proposed) {
  if (!IsMadeOf(asked, proposed)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "variable ", asked, ": its name would be '", Printable(proposed),
        "'; that of a variable with a key is the key, or made of it, such as ", asked, "_1"));
  }
  std::string name = unique.Take(proposed);
  const auto group = [&](const std::string& of) {
    return FindGroupOf(
        groups, [](absl::string_view prefix) { return prefix; }, of);
  };
  if (group(asked) == group(name)) return name;
  return absl::InvalidArgumentError(absl::StrCat("variable ", asked, ": its name would be ", name,
                                                 ", which is in group ", *group(name),
                                                 " (--sync), and it is not; give it another name"));
}

// Of that name, as the request says otherwise.
NewVariable Define(const Caller& caller, const ResolveRequest& request, std::string name,
                   uint64_t seed) {
  return {VariableDefinition{.name = std::move(name),
                             .key = "",
                             .kind = request.kind == VariableKind::kShared ? VariableKind::kShared
                                                                           : VariableKind::kUnique,
                             .dtype = request.request.dtype,
                             .shape = *request.request.shape,
                             .trainable = request.trainable.value_or(true),
                             .primary = "",
                             .creator = request.creator,
                             .creator_incarnation = caller.incarnation,
                             .creator_request = request.number,
                             .initializer = request.initializer ? ToString(*request.initializer)
                                                                : "computed by its creator",
                             .seed = seed},
          request.initializer, *request.request.shape};
}

absl::StatusOr<Decision> CreateParts(const NameTable& names, const GroupPrefixes& groups,
                                     const Caller& caller, const ResolveRequest& request,
                                     uint64_t seed) {
  const std::string& key = request.request.key;
  const Shape& shape = *request.request.shape;
  // What is planned of each part, before any of it is.
  constexpr uint64_t kPartBytes = 2048;
  uint64_t count = 1;
  for (const int64_t n : *request.request.partitions) count *= static_cast<uint64_t>(n);
  const absl::StatusOr<MemoryAccount::Hold> planned =
      MemoryAccount::Process().Reserve(count * (kPartBytes + 4 * key.size()));
  if (!planned.ok()) return planned.status();
  const std::vector<Part> parts = Slice(key, shape, *request.request.partitions);
  if (!request.part_names.empty() && request.part_names.size() != parts.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "variable ", key, ": ", request.part_names.size(), " names for ", parts.size(), " parts"));
  }
  Decision decision{Resolution{.outcome = Resolution::Outcome::kCreated}, {}};
  decision.resolution.partitioning =
      KnownPartitioned{request.request.dtype, shape, *request.request.partitions};
  PartitionedNames partitioned{key, *decision.resolution.partitioning, {}};
  UniqueNames unique(names);
  for (size_t i = 0; i < parts.size(); ++i) {
    const VariablePtr existing = names.FindKey(parts[i].key);
    decision.resolution.variables.push_back(existing);
    if (existing != nullptr) {
      partitioned.parts.push_back(existing->def.name);
      continue;
    }
    absl::StatusOr<std::optional<InitializerSpec>> initializer =
        SliceInitializer(request.initializer, parts[i]);
    if (!initializer.ok()) return initializer.status();
    const absl::StatusOr<std::string> name =
        TakeName(unique, groups, parts[i].key,
                 request.part_names.empty() ? parts[i].key : request.part_names[i]);
    if (!name.ok()) return name.status();
    // Parts differ.
    NewVariable part = Define(caller, request, *name, seed + decision.creation.variables.size());
    part.definition.key = parts[i].key;
    part.definition.shape = parts[i].shape;
    part.initializer = *std::move(initializer);
    partitioned.parts.push_back(*name);
    decision.creation.variables.push_back(std::move(part));
  }
  decision.creation.partitioned = std::move(partitioned);
  return decision;
}

absl::StatusOr<Decision> CreateShared(const NameTable& names, const GroupPrefixes& groups,
                                      const Caller& caller, const ResolveRequest& request,
                                      Env& env) {
  const std::string& key = request.request.key;
  if (absl::Status status = Authorize(caller, Right::kCreate, key); !status.ok()) return status;
  if (!request.request.shape) return absl::InvalidArgumentError(MissingShapeText(key));
  if (absl::Status status = CheckWholeValue(request); !status.ok()) return status;
  const uint64_t seed = SeedFor(env, request.initializer);
  if (request.request.partitions) return CreateParts(names, groups, caller, request, seed);
  UniqueNames unique(names);
  const absl::StatusOr<std::string> name = TakeName(unique, groups, key, request.name);
  if (!name.ok()) return name.status();
  Decision decision{Resolution{.outcome = Resolution::Outcome::kCreated, .variables = {nullptr}},
                    {}};
  decision.creation.variables = {Define(caller, request, *name, seed)};
  decision.creation.variables.front().definition.key = key;
  return decision;
}

absl::StatusOr<Decision> DecideShared(const NameTable& names, const GroupPrefixes& groups,
                                      const Caller& caller, const ResolveRequest& request,
                                      Env& env) {
  Request asked = request.request;
  // In replicated mode the worker's own graph has checked reuse; here copies attach.
  if (caller.sharing == Sharing::kReplicated) asked.reuse = Reuse::kAuto;
  ReuseCheck check = CheckReuse(names, asked);
  if (check.decision == ReuseDecision::kExists) {
    // The same worker is the same creator: it asks only for what its present graph does not know,
    // so this is a variable of an earlier incarnation.
    const VariablePtr existing = names.FindKey(check.conflicting_key);
    if (existing->def.creator.worker_id == caller.worker_id) {
      asked.reuse = Reuse::kAuto;
      check = CheckReuse(names, asked);
    }
  }
  switch (check.decision) {
    case ReuseDecision::kUndecided:
      return Decision{};
    case ReuseDecision::kAttach:
      return AttachShared(caller, request, {names.FindKey(asked.key)});
    case ReuseDecision::kAttachPartitioned: {
      absl::StatusOr<Decision> attached = AttachShared(caller, request, names.PartsOf(asked.key));
      if (attached.ok()) attached->resolution.partitioning = names.FindPartitioned(asked.key);
      return attached;
    }
    case ReuseDecision::kCreate:
      break;
    case ReuseDecision::kExists:
    case ReuseDecision::kMissing:
    case ReuseDecision::kMismatch: {
      const VariablePtr conflicting = names.FindKey(check.conflicting_key);
      if (conflicting != nullptr) return Refuse(request, std::move(check.message), *conflicting);
      return Decision{
          Resolution{.outcome = Resolution::Outcome::kRefused,
                     .message = std::move(check.message),
                     .detail = absl::StrCat("no worker created it; asked for by worker '",
                                            caller.worker_id, "' at ", request.creator.file, ":",
                                            request.creator.line)},
          {}};
    }
  }
  if (!request.initializer && !request.worker_initialized) return Decision{};
  return CreateShared(names, groups, caller, request, env);
}

// The variable that the worker made by this request before: in an earlier incarnation, or when it
// was sent the first time; of several that with the smallest suffix. Null: there is none that fits.
// However many the worker has made, it looks at three.
VariablePtr OwnUnique(const NameTable& names, const Caller& caller, const ResolveRequest& request) {
  if (!names.Has(request.name)) return nullptr;
  const UniqueRequest asked{caller.worker_id, request.name, request.request.dtype,
                            *request.request.shape};
  // Not one behind a name that is free, which somebody gave it as it is.
  uint64_t smallest = names.FreeSuffix(request.name);
  VariablePtr found;
  const auto consider = [&](VariablePtr variable, bool this_incarnation) {
    if (variable == nullptr) return;
    const VariableDefinition& def = variable->def;
    const bool fits = def.kind == VariableKind::kUnique && def.dtype == asked.dtype &&
                      def.shape == asked.shape && def.creator.worker_id == asked.worker_id &&
                      (def.creator_incarnation == caller.incarnation) == this_incarnation;
    if (!fits) return;
    const std::optional<SuffixedName> name =
        def.name == asked.name ? SuffixedName{asked.name, 0} : SplitSuffix(def.name);
    if (!name || name->base != asked.name || name->suffix >= smallest) return;
    smallest = name->suffix;
    found = std::move(variable);
  };
  consider(*names.Find(request.name), false);
  consider(names.FirstUnique(asked, caller.incarnation), false);
  if (request.number > 0) consider(names.FindRequest(caller.incarnation, request.number), true);
  return found;
}

absl::StatusOr<Decision> DecideUnique(const NameTable& names, const GroupPrefixes& groups,
                                      const Caller& caller, const ResolveRequest& request,
                                      Env& env) {
  if (!request.initializer && !request.worker_initialized) {
    return absl::InvalidArgumentError(
        absl::StrCat("variable ", request.name, " needs an initial value"));
  }
  if (!request.request.shape) {
    return absl::InvalidArgumentError(MissingShapeText(request.name));
  }
  const auto fits = [&](const Variable& v) {
    return v.def.kind == VariableKind::kUnique && v.def.dtype == request.request.dtype &&
           v.def.shape == *request.request.shape;
  };
  const auto attach = [&](VariablePtr existing) -> absl::StatusOr<Decision> {
    absl::Status status = Authorize(caller, Right::kRead, existing->def.name);
    if (!status.ok()) return status;
    return Decision{
        Resolution{.outcome = Resolution::Outcome::kAttached, .variables = {std::move(existing)}},
        {}};
  };
  if (caller.sharing == Sharing::kReplicated && names.Has(request.name)) {
    VariablePtr existing = names.Find(request.name).value();
    if (fits(*existing)) return attach(std::move(existing));
    return Refuse(request,
                  absl::StrCat("Variable ", request.name, " exists with another definition."),
                  *existing);
  }
  if (VariablePtr own = OwnUnique(names, caller, request); own != nullptr) {
    return attach(std::move(own));
  }
  UniqueNames unique(names);
  const absl::StatusOr<std::string> name = TakeName(unique, groups, request.name, request.name);
  if (!name.ok()) return name.status();
  if (absl::Status status = Authorize(caller, Right::kCreate, *name); !status.ok()) return status;
  Decision decision{Resolution{.outcome = Resolution::Outcome::kCreated, .variables = {nullptr}},
                    {}};
  decision.creation.variables = {Define(caller, request, *name, SeedFor(env, request.initializer))};
  return decision;
}

}  // namespace

absl::Status CheckRequest(const ResolveRequest& request) {
  const bool shared = request.kind == VariableKind::kShared;
  if (request.kind == VariableKind::kSlot) {
    return absl::InvalidArgumentError(
        "slots are created by a push or a Saver, not by a definition");
  }
  absl::Status status = ValidateVariableName(shared ? request.request.key : request.name);
  if (status.ok() && request.initializer) status = ValidateInitializerTexts(*request.initializer);
  if (!status.ok()) return status;
  if (request.request.shape && !request.request.shape->known_rank()) {
    return absl::InvalidArgumentError(absl::StrCat("variable ",
                                                   shared ? request.request.key : request.name,
                                                   ": a shape sent must have a rank"));
  }
  if (!request.request.partitions || request.request.partitions->empty()) return absl::OkStatus();
  if (!request.request.shape || !request.request.shape->IsFullyDefined()) {
    return absl::InvalidArgumentError(
        UnknownPartitionShapeText(request.request.shape.value_or(Shape::Unknown())));
  }
  return ValidatePartitions(*request.request.shape, *request.request.partitions);
}

absl::StatusOr<Decision> Decide(const NameTable& names, const GroupPrefixes& groups,
                                const Caller& caller, const ResolveRequest& request, Env& env) {
  return request.kind == VariableKind::kShared ? DecideShared(names, groups, caller, request, env)
                                               : DecideUnique(names, groups, caller, request, env);
}

}  // namespace varscope::server
