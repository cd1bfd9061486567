// Store::Resolve: the naming contract, applied to the store.
#include <set>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/tensor/allocate.h"
#include "server/auth/rights.h"
#include "server/store/store.h"

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

}  // namespace

// Of a store whose mutex_ its maker holds, which clang does not follow into virtual functions.
class Store::View : public Definitions {
 public:
  explicit View(const Store& store) : store_(store) {}
  std::optional<KnownVariable> FindVariable(const std::string& key) const override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const VariablePtr found = store_.FindKey(key);
    if (found == nullptr) return std::nullopt;
    return KnownVariable{found->def.dtype, found->def.shape};
  }
  std::optional<KnownPartitioned> FindPartitioned(const std::string& key) const override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = store_.partitioned_.find(key);
    if (it == store_.partitioned_.end()) return std::nullopt;
    return it->second.known;
  }

 private:
  const Store& store_;
};

absl::StatusOr<Resolution> Store::Resolve(const Caller& caller, const ResolveRequest& request) {
  const auto changes = LockChanges();
  const bool shared = request.kind == VariableKind::kShared;
  if (request.kind == VariableKind::kSlot) {
    return absl::InvalidArgumentError(
        "slots are created by a push or a Saver, not by a definition");
  }
  absl::Status status = ValidateVariableName(shared ? request.request.key : request.name);
  if (!status.ok()) return status;
  if (request.request.shape && !request.request.shape->known_rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat("variable ", request.request.key, ": a shape sent must have a rank"));
  }
  if (request.request.partitions && !request.request.partitions->empty()) {
    if (!request.request.shape || !request.request.shape->IsFullyDefined()) {
      return absl::InvalidArgumentError(
          UnknownPartitionShapeText(request.request.shape.value_or(Shape::Unknown())));
    }
    status = ValidatePartitions(*request.request.shape, *request.request.partitions);
    if (!status.ok()) return status;
  }
  return shared ? ResolveShared(caller, request) : ResolveUnique(caller, request);
}

Resolution Store::Refuse(const Caller& caller, const ResolveRequest& request,
                         ReuseCheck check) const {
  Resolution refused;
  refused.outcome = Resolution::Outcome::kRefused;
  refused.message = std::move(check.message);
  const VariablePtr conflicting = FindKey(check.conflicting_key);
  if (conflicting == nullptr) {
    refused.detail = absl::StrCat("no worker created it; asked for by worker '", caller.worker_id,
                                  "' at ", request.creator.file, ":", request.creator.line);
    return refused;
  }
  refused.creators = {conflicting->def.creator};
  refused.detail = absl::StrCat("defined:   ", DescribeVariable(*conflicting),
                                "\nrequested: ", DescribeRequest(request));
  return refused;
}

absl::StatusOr<Resolution> Store::ResolveShared(const Caller& caller,
                                                const ResolveRequest& request) {
  WriterLock lock(mutex_);
  Request asked = request.request;
  // In replicated mode the worker's own graph has checked reuse; here copies attach.
  if (caller.sharing == Sharing::kReplicated) asked.reuse = Reuse::kAuto;
  ReuseCheck check = CheckReuse(View(*this), asked);
  if (check.decision == ReuseDecision::kExists) {
    // The same worker is the same creator: it asks only for what its present graph does not know,
    // so this is a variable of an earlier incarnation.
    const VariablePtr existing = FindKey(check.conflicting_key);
    if (existing->def.creator.worker_id == caller.worker_id) {
      asked.reuse = Reuse::kAuto;
      check = CheckReuse(View(*this), asked);
    }
  }
  switch (check.decision) {
    case ReuseDecision::kUndecided:
      return Resolution{};
    case ReuseDecision::kAttach:
      return AttachShared(caller, request, {FindKey(asked.key)});
    case ReuseDecision::kAttachPartitioned: {
      const Partitioned& found = partitioned_.at(asked.key);
      absl::StatusOr<Resolution> attached = AttachShared(caller, request, found.parts);
      if (attached.ok()) attached->partitioning = found.known;
      return attached;
    }
    case ReuseDecision::kCreate:
      break;
    case ReuseDecision::kExists:
    case ReuseDecision::kMissing:
    case ReuseDecision::kMismatch:
      return Refuse(caller, request, std::move(check));
  }
  if (!request.initializer && !request.worker_initialized) return Resolution{};
  lock.unlock();
  return CreateShared(caller, request);
}

absl::StatusOr<Resolution> Store::AttachShared(const Caller& caller, const ResolveRequest& request,
                                               std::vector<VariablePtr> found) const {
  if (absl::Status status = Authorize(caller, Right::kRead, request.request.key); !status.ok())
    return status;
  const Variable& first = *found.front();
  const std::string key = request.request.key;
  if (request.trainable && *request.trainable != first.def.trainable) {
    const auto python = [](bool value) { return value ? "True" : "False"; };
    return Refuse(caller, request,
                  {ReuseDecision::kMismatch,
                   absl::StrCat("Trying to share variable ", key, ", but specified trainable ",
                                python(*request.trainable), " and found trainable ",
                                python(first.def.trainable), "."),
                   first.def.key});
  }
  Resolution attached;
  attached.outcome = Resolution::Outcome::kAttached;
  attached.variables = std::move(found);
  if (request.initializer && first.def.creator.worker_id != caller.worker_id) {
    const std::string asked = ToString(*request.initializer);
    if (asked != first.def.initializer) {
      attached.warning =
          absl::StrCat("variable ", key, " keeps the first initializer, ", first.def.initializer,
                       " by ", ToString(first.def.creator), "; not used: ", asked);
    }
  }
  return attached;
}

absl::StatusOr<Resolution> Store::CreateShared(const Caller& caller,
                                               const ResolveRequest& request) {
  if (absl::Status status = Authorize(caller, Right::kCreate, request.request.key); !status.ok())
    return status;
  if (!request.request.shape) {
    return absl::InvalidArgumentError(MissingShapeText(request.request.key));
  }
  if (absl::Status status = CheckWholeValue(request); !status.ok()) return status;
  WriterLock lock(mutex_);
  // Another worker may have been first since the check.
  Request asked = request.request;
  asked.reuse = Reuse::kAuto;
  if (CheckReuse(View(*this), asked).decision != ReuseDecision::kCreate) {
    lock.unlock();
    return ResolveShared(caller, request);
  }
  const uint64_t seed = SeedFor(env_, request.initializer);
  const std::string initializer =
      request.initializer ? ToString(*request.initializer) : "computed by its creator";
  std::set<std::string> taken;
  const auto creation =
      [&](const std::string& key, const std::string& name, const Shape& shape,
          std::optional<InitializerSpec> spec) ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        const uint64_t index = taken.size();  // parts differ
        return NewVariable{{.name = *taken.insert(UniqueName(name, taken)).first,
                            .key = key,
                            .kind = VariableKind::kShared,
                            .dtype = request.request.dtype,
                            .shape = shape,
                            .trainable = request.trainable.value_or(true),
                            .primary = "",
                            .creator = request.creator,
                            .creator_incarnation = caller.incarnation,
                            .creator_request = request.number,
                            .initializer = initializer,
                            .seed = seed + index},
                           std::move(spec),
                           *request.request.shape};
      };
  Resolution resolution;
  resolution.outcome = Resolution::Outcome::kCreated;
  const std::string& key = request.request.key;
  if (!request.request.partitions) {
    CreationBatch batch;
    batch.variables = {creation(key, request.name, *request.request.shape, request.initializer)};
    auto created = Create(std::move(batch), lock);
    if (!created.ok()) return created.status();
    resolution.variables = *std::move(created);
    return resolution;
  }

  std::vector<Part> parts = Slice(key, *request.request.shape, *request.request.partitions);
  if (!request.part_names.empty() && request.part_names.size() != parts.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "variable ", key, ": ", request.part_names.size(), " names for ", parts.size(), " parts"));
  }
  resolution.partitioning =
      KnownPartitioned{request.request.dtype, *request.request.shape, *request.request.partitions};
  CreationBatch batch;
  batch.partitioned = {key, *resolution.partitioning, {}};
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string name = request.part_names.empty() ? parts[i].key : request.part_names[i];
    if (const VariablePtr existing = FindKey(parts[i].key)) {
      name = existing->def.name;
    } else {
      auto initializer = SliceInitializer(request.initializer, parts[i]);
      if (!initializer.ok()) return initializer.status();
      batch.variables.push_back(
          creation(parts[i].key, name, parts[i].shape, *std::move(initializer)));
      name = batch.variables.back().definition.name;
    }
    batch.partitioned->parts.push_back(name);
  }
  const std::vector<std::string> names = batch.partitioned->parts;
  auto created = Create(std::move(batch), lock);
  if (!created.ok()) return created.status();
  ReaderLock reading(mutex_);
  resolution.variables = FindAll(names).value();
  return resolution;
}

absl::StatusOr<Resolution> Store::ResolveUnique(const Caller& caller,
                                                const ResolveRequest& request) {
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
  WriterLock lock(mutex_);
  std::string name = request.name;
  for (uint64_t suffix = 1; by_name_.contains(name); ++suffix) {
    const VariablePtr& existing = by_name_.at(name);
    const bool replica = caller.sharing == Sharing::kReplicated;
    const bool own = existing->def.creator.worker_id == caller.worker_id;
    const bool earlier_incarnation = own && existing->def.creator_incarnation != caller.incarnation;
    const bool asked_again = own && !earlier_incarnation && request.number > 0 &&
                             existing->def.creator_request == request.number;
    if ((replica || earlier_incarnation || asked_again) && fits(*existing)) {
      if (absl::Status status = Authorize(caller, Right::kRead, name); !status.ok()) return status;
      Resolution attached;
      attached.outcome = Resolution::Outcome::kAttached;
      attached.variables = {existing};
      return attached;
    }
    if (replica) {
      Resolution refused;
      refused.outcome = Resolution::Outcome::kRefused;
      refused.message = absl::StrCat("Variable ", name, " exists with another definition.");
      refused.creators = {existing->def.creator};
      refused.detail = absl::StrCat("defined:   ", DescribeVariable(*existing),
                                    "\nrequested: ", DescribeRequest(request));
      return refused;
    }
    name = absl::StrCat(request.name, "_", suffix);
  }
  if (absl::Status status = Authorize(caller, Right::kCreate, name); !status.ok()) return status;
  CreationBatch batch;
  batch.variables = {{{.name = name,
                       .key = "",
                       .kind = VariableKind::kUnique,
                       .dtype = request.request.dtype,
                       .shape = *request.request.shape,
                       .trainable = request.trainable.value_or(true),
                       .primary = "",
                       .creator = request.creator,
                       .creator_incarnation = caller.incarnation,
                       .creator_request = request.number,
                       .initializer = request.initializer ? ToString(*request.initializer)
                                                          : "computed by its creator",
                       .seed = SeedFor(env_, request.initializer)},
                      request.initializer,
                      *request.request.shape}};
  auto created = Create(std::move(batch), lock);
  if (!created.ok()) return created.status();
  return Resolution{.outcome = Resolution::Outcome::kCreated, .variables = *std::move(created)};
}

}  // namespace varscope::server
