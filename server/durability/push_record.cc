#include "server/durability/push_record.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "proto/wire/convert.h"
#include "server/durability/record_bytes.h"

namespace varscope::server {
namespace {

// Writes the tensors of a push one after the other.
class Writer {
 public:
  Writer(durability::Pushed* out, std::vector<Tensor>* body) : out_(out), body_(body) {}

  void Add(const PushStep& step) {
    durability::Pushed::Step* const s = out_->add_steps();
    s->set_optimizer(step.spec.optimizer);
    for (size_t i = 0; i < step.hyperparameters.size(); ++i) {
      s->add_hyperparameter_names(std::string(step.optimizer->hyperparameters[i].name));
      s->add_hyperparameters(step.hyperparameters[i]);
    }
    s->set_weight_decay(step.weight_decay);
    const std::vector<std::string> non_slots = NamesOf(step.non_slots);
    s->mutable_non_slots()->Assign(non_slots.begin(), non_slots.end());
    for (const PushUpdate& update : step.updates) {
      durability::Pushed::Update* const u = s->add_updates();
      u->set_variable(update.variable->def.name);
      if (update.base_version) u->set_base_version(*update.base_version);
      u->set_gradient(Add(update.gradient.value));
      if (update.indices) u->set_indices(Add(update.indices->value));
      const std::vector<std::string> slots = NamesOf(update.slots);
      u->mutable_slots()->Assign(slots.begin(), slots.end());
    }
  }

  void Add(const PushAssignment& assignment) {
    durability::Pushed::Assignment* const a = out_->add_assignments();
    a->set_variable(assignment.variable->def.name);
    a->set_op(static_cast<uint32_t>(assignment.op));
    a->set_value(Add(assignment.value.value));
    if (assignment.indices) a->set_indices(Add(assignment.indices->value));
  }

 private:
  uint32_t Add(const Tensor& tensor) {
    durability::Pushed::Tensor* const spec = out_->add_tensors();
    spec->set_dtype(wire::ToProto(tensor.dtype()));
    wire::ToProto(tensor.shape(), spec->mutable_shape());
    body_->push_back(tensor);
    return static_cast<uint32_t>(body_->size() - 1);
  }

  durability::Pushed* out_;
  std::vector<Tensor>* body_;
};

// What a message takes beside its texts: each of its numbers, tags and lengths.
constexpr uint64_t kPartBytes = 128;
constexpr uint64_t kTextBytes = 8;  // a text's tag and length
constexpr uint64_t kSlots = optimizers::kFewStates;

}  // namespace

void ToProto(const PushId& id, durability::PushId* out) {
  out->set_worker_id(id.worker_id);
  out->set_incarnation(id.incarnation);
  out->set_sequence(id.sequence);
}

PushId PushIdOf(const durability::PushId& id) {
  return {id.worker_id(), id.incarnation(), id.sequence()};
}

void ToProto(const PushResult& result, durability::Answer* out) {
  out->set_global_step(result.global_step);
  out->set_group_step(result.group_step);
  out->set_staleness(result.staleness);
}

PushResult PushResultOf(const durability::Answer& answer) {
  return {.global_step = answer.global_step(),
          .group_step = answer.group_step(),
          .staleness = answer.staleness()};
}

PushRecord::PushRecord(const PushContents& push, const std::optional<ValueCheck>& check) {
  durability::Record record;
  durability::Pushed* const pushed = record.mutable_pushed();
  ToProto(push.id, pushed->mutable_id());
  for (const PushId& id : push.others) ToProto(id, pushed->add_others());
  pushed->set_group(push.group);
  pushed->set_allow_nonfinite(push.allow_nonfinite);
  std::vector<Tensor> body;
  Writer writer(pushed, &body);
  for (const PushStep& step : push.steps) writer.Add(step);
  for (const PushAssignment& assignment : push.assignments) writer.Add(assignment);
  ToProto(PushResult(), &answer_);
  if (check) {
    durability::Check* const c = answer_.mutable_check();
    c->set_variable(check->variable);
    c->set_offset(check->offset);
    c->set_bytes(check->bytes);
    c->set_checksum(0);
  }
  *pushed->mutable_answer() = answer_;
  bytes_ = Serialize(record, std::move(body));
}

void PushRecord::SetChecksum(uint32_t checksum) noexcept {
  answer_.mutable_check()->set_checksum(checksum);
}

void PushRecord::SetAnswer(const PushResult& result) noexcept {
  answer_.set_global_step(result.global_step);
  answer_.set_group_step(result.group_step);
  answer_.set_staleness(result.staleness);
  const size_t size = answer_.ByteSizeLong();
  answer_.SerializeWithCachedSizesToArray(
      reinterpret_cast<uint8_t*>(bytes_.header.data() + bytes_.header.size() - size));
}

uint64_t MostHeaderBytes(const PushContents& push) {
  const auto names = [](const SlotNames& given, size_t base) {
    uint64_t bytes = 0;
    for (const std::string& name : given) bytes += name.size() + 32 + kTextBytes;
    return given.empty() ? kSlots * (base + kPartBytes) : bytes;
  };
  uint64_t bytes = 4 * kPartBytes + push.id.worker_id.size() + push.group.size();
  for (const PushId& id : push.others) bytes += kPartBytes + id.worker_id.size();
  for (const PushStep& step : push.steps) {
    bytes += 4 * kPartBytes + step.spec.optimizer.size() + names(step.spec.non_slots, 0);
    bytes += step.hyperparameters.size() * kPartBytes;
    for (const PushUpdate& u : step.updates) {
      // Each with two tensors.
      const std::string& name = u.variable->def.name;
      bytes += 4 * kPartBytes + name.size() +
               names(*u.slot_names, name.size() + 1 + step.spec.name.size());
    }
  }
  for (const PushAssignment& a : push.assignments) {
    bytes += 4 * kPartBytes + a.variable->def.name.size();
  }
  return bytes;
}

absl::StatusOr<LoggedPush> ReadPush(const durability::Pushed& pushed,
                                    std::span<const std::byte> body) {
  LoggedPush logged{pushed, {}};
  for (const durability::Pushed::Tensor& spec : pushed.tensors()) {
    const absl::StatusOr<DType> dtype = wire::FromProto(spec.dtype());
    const absl::StatusOr<Shape> shape = wire::FromProto(spec.shape());
    if (!dtype.ok() || !shape.ok()) return DamagedRecord("a tensor");
    absl::StatusOr<Tensor> tensor = TakeTensor(body, *dtype, *shape);
    if (!tensor.ok()) return tensor.status();
    logged.tensors.push_back(*std::move(tensor));
  }
  return logged;
}

namespace {

// Looks up what a push names.
class Reader {
 public:
  Reader(const Catalog& catalog, const LoggedPush& logged) : catalog_(catalog), logged_(logged) {}

  absl::StatusOr<ValidPush> Run() {
    const durability::Pushed& pushed = logged_.pushed;
    PushContents push{.id = PushIdOf(pushed.id()),
                      .allow_nonfinite = pushed.allow_nonfinite(),
                      .group = pushed.group()};
    for (const durability::PushId& id : pushed.others()) push.others.push_back(PushIdOf(id));
    for (const durability::Pushed::Step& step : pushed.steps()) {
      if (absl::Status status = Read(step, push.steps.emplace_back()); !status.ok()) return status;
    }
    for (const durability::Pushed::Assignment& given : pushed.assignments()) {
      absl::Status status = Read(given, push.assignments.emplace_back());
      if (!status.ok()) return status;
    }
    return ValidPush::Replayed(std::move(push));
  }

 private:
  // The catalog outlives what is replayed: a rollback is replayed after it.
  absl::Status Find(const std::string& name, Variable*& out) const {
    const absl::StatusOr<VariablePtr> variable = catalog_.Find(name);
    if (!variable.ok()) return absl::DataLossError(variable.status().message());
    out = variable->get();
    return absl::OkStatus();
  }

  template <typename Names>
  absl::Status FindAll(const Names& names, size_t count, StateVariables& out) const {
    if (static_cast<size_t>(names.size()) != count) return DamagedRecord("an optimizer's state");
    for (const std::string& name : names) {
      if (absl::Status status = Find(name, out.emplace_back()); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Take(uint32_t number, PushTensor& out) const {
    if (number >= logged_.tensors.size()) return DamagedRecord("a tensor's number");
    out.value = logged_.tensors[number];
    return absl::OkStatus();
  }

  absl::Status TakeIndices(uint32_t number, std::optional<PushTensor>& out) const {
    absl::Status status = Take(number, out.emplace());
    if (!status.ok() || out->value.dtype() == DType::kInt64) return status;
    return DamagedRecord("indices that are not int64");
  }

  absl::Status Read(const durability::Pushed::Step& given, PushStep& step) const {
    step.spec.optimizer = given.optimizer();
    step.optimizer = optimizers::FindOptimizer(given.optimizer());
    if (step.optimizer == nullptr) {
      return DamagedRecord(absl::StrCat("no optimizer '", given.optimizer(), "' is known"));
    }
    if (given.hyperparameter_names_size() != given.hyperparameters_size()) {
      return DamagedRecord("hyperparameters");
    }
    std::map<std::string, double> hyperparameters;
    for (int i = 0; i < given.hyperparameters_size(); ++i) {
      hyperparameters[given.hyperparameter_names(i)] = given.hyperparameters(i);
    }
    step.hyperparameters = optimizers::FillHyperparameters(*step.optimizer, hyperparameters);
    step.weight_decay = given.weight_decay();
    absl::Status status =
        FindAll(given.non_slots(), step.optimizer->non_slots.size(), step.non_slots);
    const size_t slots = step.optimizer->slots(step.hyperparameters).size();
    for (const durability::Pushed::Update& u : given.updates()) {
      PushUpdate& update = step.updates.emplace_back();
      if (status.ok()) status = Find(u.variable(), update.variable);
      if (u.has_base_version()) update.base_version = u.base_version();
      if (status.ok()) status = Take(u.gradient(), update.gradient);
      if (status.ok() && u.has_indices()) status = TakeIndices(u.indices(), update.indices);
      if (status.ok()) status = FindAll(u.slots(), slots, update.slots);
      if (status.ok()) status = CheckStates(*update.variable, update.slots, step.non_slots);
      if (!status.ok()) return status;
    }
    return status;
  }

  // That they are as large as what the rule writes.
  static absl::Status CheckStates(const Variable& variable, const StateVariables& slots,
                                  const StateVariables& non_slots) {
    for (const Variable* const slot : slots) {
      const VariableDefinition& def = slot->def;
      if (def.dtype == variable.def.dtype && def.shape == variable.def.shape) continue;
      return DamagedRecord(absl::StrCat("slot ", def.name, " is not like ", variable.def.name));
    }
    for (const Variable* const scalar : non_slots) {
      const VariableDefinition& def = scalar->def;
      if (def.dtype == DType::kFloat32 && def.shape == Shape{}) continue;
      return DamagedRecord(absl::StrCat(def.name, " is no scalar"));
    }
    return absl::OkStatus();
  }

  absl::Status Read(const durability::Pushed::Assignment& given, PushAssignment& out) const {
    if (given.op() > static_cast<uint32_t>(AssignOp::kInitialize))
      return DamagedRecord("an assignment");
    out.op = static_cast<AssignOp>(given.op());
    if (given.has_indices() != IsScatter(out.op)) return DamagedRecord("a scatter");
    absl::Status status = Find(given.variable(), out.variable);
    if (status.ok()) status = Take(given.value(), out.value);
    if (status.ok() && given.has_indices()) status = TakeIndices(given.indices(), out.indices);
    return status;
  }

  const Catalog& catalog_;
  const LoggedPush& logged_;
};

}  // namespace

absl::StatusOr<ValidPush> FromRecord(const Catalog& catalog, const LoggedPush& logged) {
  return Reader(catalog, logged).Run();
}

}  // namespace varscope::server
