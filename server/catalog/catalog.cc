#include "server/catalog/catalog.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <iterator>
#include <new>
#include <span>

#include "absl/strings/str_cat.h"
#include "proto/concurrency/done_once.h"
#include "proto/tensor/allocate.h"
#include "server/catalog/initializers.h"
#include "server/catalog/variable_pages.h"

namespace varscope::server {
namespace {

const absl::Status* const kNoMemoryToCreate = new absl::Status(absl::ResourceExhaustedError(
    "there is no memory for what variables are defined by; none was created"));
const absl::Status* const kNoMemoryToCompute = new absl::Status(
    absl::ResourceExhaustedError("there is no memory to compute the value of a variable"));

// Everything that can be wrong with new variables, before memory is taken.
absl::Status CheckCreation(const StoreLimits& limits, const NameTable& names,
                           std::span<const NewVariable> creations) {
  Room room(limits, names);
  for (const NewVariable& c : creations) {
    const VariableDefinition& def = c.definition;
    if (absl::Status status = room.Take(def); !status.ok()) return status;
    if (!c.initializer) continue;
    absl::Status status = ValidateInitializer(*c.initializer, def.dtype, def.shape);
    if (status.ok()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("variable ", def.name, ", ", ToString(def.creator), ": ", status.message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Resolution> Catalog::Resolve(const Caller& caller, const ResolveRequest& request) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  Resolution resolution;
  const auto plan = [&](const NameTable& names) -> absl::StatusOr<CreationBatch> {
    absl::StatusOr<Decision> decision = Decide(names, groups_, caller, request, env_);
    if (!decision.ok()) return decision.status();
    resolution = std::move(decision->resolution);
    return std::move(decision->creation);
  };
  const absl::StatusOr<std::vector<VariablePtr>> created = CreateWithoutWaiting(plan);
  if (!created.ok()) return created.status();
  auto next = created->begin();
  for (VariablePtr& variable : resolution.variables) {
    if (variable == nullptr) variable = *next++;
  }
  return resolution;
}

Catalog::~Catalog() {
  closing_ = true;
  std::unique_ptr<Timer> timer;
  {
    const MutexLock lock(jobs_mutex_);
    jobs_.TakeAll();
    timer = std::move(timer_);
  }
  if (timer != nullptr) timer->Stop();
}

absl::StatusOr<Catalog::Unfilled> Catalog::RegisterPlanned(Plan plan) try {
  const auto prepare = [&]() -> absl::StatusOr<Unfilled> {
    const ReaderLock lock(mutex_);
    absl::StatusOr<CreationBatch> batch = plan(names_);
    if (!batch.ok()) return batch.status();
    absl::Status status = CheckCreation(limits_, names_, batch->variables);
    if (!status.ok()) return status;
    return batch->empty() ? Unfilled() : Prepare(*std::move(batch));
  };
  FairLock creating(creating_);
  absl::StatusOr<Unfilled> unfilled = prepare();
  if (!unfilled.ok() || unfilled->batch.empty()) return unfilled;
  Register(*unfilled);
  creating.unlock();
  FillAtOnce(*unfilled);
  return unfilled;
} catch (const std::bad_alloc&) {
  return *kNoMemoryToCreate;
}

absl::StatusOr<std::vector<VariablePtr>> Catalog::Create(Plan plan) {
  absl::StatusOr<Unfilled> unfilled = RegisterPlanned(plan);
  if (!unfilled.ok()) return unfilled.status();
  Jobs jobs = std::move(unfilled->small);
  jobs.splice(jobs.end(), unfilled->large);
  absl::Status status = ComputeAll(jobs);
  Enqueue(jobs);
  if (!status.ok()) return status;
  return std::move(unfilled->variables);
}

absl::StatusOr<std::vector<VariablePtr>> Catalog::CreateWithoutWaiting(Plan plan) {
  absl::StatusOr<Unfilled> unfilled = RegisterPlanned(plan);
  if (!unfilled.ok()) return unfilled.status();
  // Those that have no memory now come with the large ones.
  ComputeAll(unfilled->small).IgnoreError();
  Jobs jobs = std::move(unfilled->small);
  jobs.splice(jobs.end(), unfilled->large);
  if (!jobs.empty() && !StartThread()) ComputeAll(jobs).IgnoreError();
  Enqueue(jobs);
  return std::move(unfilled->variables);
}

absl::Status Catalog::Recreate(const CreationBatch& batch) {
  const auto prepare = [&] {
    const ReaderLock lock(mutex_);
    return Prepare(batch);
  };
  FairLock creating(creating_);
  absl::StatusOr<Unfilled> unfilled = prepare();
  if (!unfilled.ok()) return unfilled.status();
  Register(*unfilled);
  creating.unlock();
  FillAtOnce(*unfilled);
  // One that fails is among those without values.
  ComputeAll(unfilled->small).IgnoreError();
  return absl::OkStatus();
}

absl::StatusOr<Catalog::Unfilled> Catalog::Prepare(CreationBatch batch) const {
  Unfilled unfilled{.batch = std::move(batch)};
  for (const NewVariable& v : unfilled.batch.variables) {
    if (names_.Has(v.definition.name)) {
      return absl::InternalError(absl::StrCat("variable ", v.definition.name, " exists"));
    }
    absl::StatusOr<Tensor> value = TryAllocate(v.definition.dtype, v.definition.shape);
    if (!value.ok()) return value.status();
    const uint64_t overhead = OverheadOf(v.definition);
    absl::StatusOr<MemoryAccount::Hold> held = MemoryAccount::Process().Reserve(overhead);
    if (!held.ok()) return held.status();
    // What could never be had is refused now.
    const uint64_t working = v.initializer ? WorkingBytes(*v.initializer, v.definition.shape) : 0;
    absl::Status could = MemoryAccount::Process().Reserve(working).status();
    if (!could.ok()) return could;
    const VariablePtr& variable =
        unfilled.variables.emplace_back(std::make_shared<Variable>(v.definition, *std::move(held)));
    // What was sent is there.
    const bool sent = v.initializer && v.initializer->kind == "value";
    const bool small = value->num_elements() <= large_;
    if (sent || (small && working == 0)) {
      unfilled.at_once.push_back(variable);
      unfilled.values.push_back(*std::move(value));
      continue;
    }
    unfilled.values.emplace_back();
    variable->mutex.AssertHeld();  // nobody else sees it yet
    variable->first_value = std::make_shared<const FirstValue>(
        FirstValue{v.initializer.value_or(InitializerSpec{.kind = "zeros"}), v.full_shape});
    variable->initialized = v.initializer.has_value();
    const uint64_t cost = CostOf(variable->first_value->spec, v.definition.shape);
    (small ? unfilled.small : unfilled.large).push_back({variable, *std::move(value), cost});
  }
  absl::StatusOr<NameTable> added = names_.Prepare(unfilled.batch, unfilled.variables);
  if (!added.ok()) return added.status();
  unfilled.added = *std::move(added);
  if (observer_ == nullptr) return unfilled;
  absl::StatusOr<Happens> happens = observer_(unfilled.batch);
  if (!happens.ok()) return happens.status();
  unfilled.happens = *std::move(happens);
  return unfilled;
}

void Catalog::Register(Unfilled& unfilled) {
  const WriterLock lock(mutex_);
  // Nobody else sees them yet, so locking cannot wait.
  unfilled.locked = LockedVariables(std::span<const VariablePtr>(unfilled.at_once));
  names_.Join(std::move(unfilled.added), [&] {
    if (unfilled.happens) unfilled.happens();
  });
}

void Catalog::FillAtOnce(Unfilled& unfilled) noexcept {
  for (size_t i = 0; i < unfilled.variables.size(); ++i) {
    Tensor& value = unfilled.values[i];
    if (!value.defined()) continue;
    const NewVariable& v = unfilled.batch.variables[i];
    Variable& variable = *unfilled.variables[i];
    variable.mutex.AssertHeld();  // by unfilled.locked
    if (v.initializer) {
      Initialize(*v.initializer, v.definition.seed, v.full_shape, value);
      variable.initialized = true;
    } else if (value.byte_size() > 0) {
      std::memset(value.mutable_raw(), 0, value.byte_size());
    }
    variable.value = std::move(value);
  }
  unfilled.locked = LockedVariables();
}

absl::Status Catalog::Compute(Variable& variable, Tensor& value) try {
  std::shared_ptr<const FirstValue> first;
  {
    const MutexLock lock(variable.mutex);
    first = variable.first_value;
  }
  if (first == nullptr) return absl::OkStatus();
  if (!value.defined()) {
    absl::StatusOr<Tensor> room = TryAllocate(variable.def.dtype, variable.def.shape);
    if (!room.ok()) return room.status();
    value = *std::move(room);
  }
  const uint64_t working_bytes = WorkingBytes(first->spec, variable.def.shape);
  const absl::StatusOr<MemoryAccount::Hold> working =
      MemoryAccount::Process().Reserve(working_bytes);
  if (!working.ok()) return working.status();
  Initialize(first->spec, variable.def.seed, first->full_shape, value, closing_);
  if (closing_) return absl::CancelledError("the server stops");
  const MutexLock lock(variable.mutex);
  if (variable.first_value == nullptr) return absl::OkStatus();  // somebody else was faster
  variable.value = std::move(value);
  variable.first_value = nullptr;
  return absl::OkStatus();
} catch (const std::bad_alloc&) {
  return Said(
      [&] {
        return absl::ResourceExhaustedError(absl::StrCat(
            "variable ", variable.def.name, ": there is no memory to compute its value"));
      },
      *kNoMemoryToCompute);
}

absl::Status Catalog::ComputeAll(Jobs& jobs) {
  absl::Status status;
  for (auto job = jobs.begin(); job != jobs.end();) {
    absl::Status computed = Compute(*job->variable, job->value);
    job = computed.ok() ? jobs.erase(job) : std::next(job);
    status.Update(computed);
  }
  return status;
}

bool Catalog::StartThread() {
  const MutexLock lock(jobs_mutex_);
  if (timer_ != nullptr) return true;
  try {
    timer_ = env_.StartTimer("first values", [this, yields = false]() mutable {
      if (!std::exchange(yields, true)) env_.YieldToOthers();
      return ComputeNext();
    });
  } catch (const std::exception&) {  // std::system_error, std::bad_alloc
    return false;
  }
  return true;
}

void Catalog::Enqueue(Jobs& jobs) {
  if (jobs.empty()) return;
  const bool started = StartThread();
  const MutexLock lock(jobs_mutex_);
  jobs_.Add(jobs);
  if (started) timer_->Wake();
}

Time Catalog::ComputeNext() {
  Jobs next;
  {
    const MutexLock lock(jobs_mutex_);
    next = jobs_.TakeNext();
  }
  if (next.empty()) return kNever;
  FirstValueQueue::Job& job = next.front();
  const VariablePtr variable = job.variable;
  const absl::Status status = Said([&] { return Compute(*variable, job.value); });
  if (status.ok() || closing_) return Time::min();
  job.value = Tensor();
  {
    const MutexLock lock(jobs_mutex_);
    jobs_.Add(next);
  }
  spdlog::warn(
      absl::StrCat("variable ", variable->def.name, " has no first value yet: ", status.message()));
  return env_.Now() + std::chrono::seconds(1);
}

Catalog::Jobs Catalog::WithoutValues() const {
  Jobs jobs;
  VariablePages pages(*this);
  for (;;) {
    const absl::StatusOr<std::vector<VariablePtr>> page = pages.Next();
    // After a rollback these are nobody's, and who rolled back sees to the others.
    if (!page.ok()) return Jobs();
    if (page->empty()) return jobs;
    for (const VariablePtr& variable : *page) {
      const MutexLock lock(variable->mutex);
      if (variable->first_value == nullptr) continue;
      const uint64_t cost = CostOf(variable->first_value->spec, variable->def.shape);
      jobs.push_back({variable, Tensor(), cost});
    }
  }
}

void Catalog::ComputeFirstValues() {
  Jobs jobs = WithoutValues();
  if (!jobs.empty() && !StartThread()) {
    spdlog::warn("there is no thread for first values; a restart computes them");
  }
  Enqueue(jobs);
}

absl::Status Catalog::FinishFirstValues() {
  Jobs jobs = WithoutValues();
  return ComputeAll(jobs);
}

absl::Status Catalog::FinishFirstValue(Variable& variable) {
  Tensor value;
  return Compute(variable, value);
}

absl::StatusOr<VariablePtr> Catalog::Find(const std::string& name) const {
  const ReaderLock lock(mutex_);
  return names_.Find(name);
}

size_t Catalog::size() const {
  const ReaderLock lock(mutex_);
  return names_.variables().size();
}

void Catalog::Read(absl::FunctionRef<void(const NameTable&)> read) const {
  const ReaderLock lock(mutex_);
  read(names_);
}

void Catalog::Replace(NameTable names) noexcept {
  {
    const FairLock creating(creating_);
    const WriterLock lock(mutex_);
    ++generation_;
    std::swap(names_, names);
  }
  Jobs of_discarded;
  {
    const MutexLock lock(jobs_mutex_);
    of_discarded = jobs_.TakeAll();
  }
  for (const VariablePtr& variable : names.variables()) {
    const MutexLock lock(variable->mutex);
    variable->Discard();
  }
}

}  // namespace varscope::server
