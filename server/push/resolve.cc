#include "server/push/resolve.h"

#include <cmath>
#include <map>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/core/names.h"
#include "proto/core/rows.h"
#include "proto/core/shape_rules.h"
#include "proto/wire/convert.h"

namespace varscope::server {

class Resolver {
 public:
  Resolver(const Store& store, const v1::FrameHeader& head, const Definer& worker)
      : store_(store), head_(head), push_(head.push()), worker_(worker) {}

  absl::StatusOr<ResolvedPush> Run(uint64_t max_bytes) {
    absl::Status status = ReadTensors(max_bytes);
    PushContents contents{
        .id = {push_.worker_id(), push_.incarnation(), push_.sequence()},
        .allow_nonfinite = push_.allow_nonfinite(),
    };
    contents.steps.reserve(push_.steps_size());
    for (const v1::OptimizerStep& step : push_.steps()) {
      if (status.ok()) status = Read(step, contents.steps.emplace_back());
    }
    contents.assignments.reserve(push_.assignments_size());
    for (const v1::Assignment& assignment : push_.assignments()) {
      if (status.ok()) status = Read(assignment, contents.assignments.emplace_back());
    }
    if (!status.ok()) return status;
    return ResolvedPush(std::move(contents), bytes_, std::move(hyperparameters_));
  }

 private:
  // What the head says of one tensor.
  struct Announced {
    DType dtype;
    Shape shape;
  };

  absl::Status ReadTensors(uint64_t max_bytes) {
    tensors_.reserve(head_.tensors_size());
    for (const v1::TensorSpec& spec : head_.tensors()) {
      const absl::StatusOr<DType> dtype = wire::FromProto(spec.dtype());
      if (!dtype.ok()) return dtype.status();
      absl::StatusOr<Shape> shape = wire::FromProto(spec.shape());
      if (!shape.ok()) return shape.status();
      const absl::StatusOr<uint64_t> bytes = ByteSize(*dtype, *shape);
      if (!bytes.ok()) return bytes.status();
      if (spec.unchanged()) return absl::InvalidArgumentError("a push has no unchanged tensors");
      if (*bytes > max_bytes || (bytes_ += *bytes) > max_bytes) {
        return absl::ResourceExhaustedError(absl::StrCat("worker '", Printable(push_.worker_id()),
                                                         "': the push is above ", max_bytes,
                                                         " bytes (--max-push-bytes)"));
      }
      tensors_.push_back({*dtype, *std::move(shape)});
    }
    return absl::OkStatus();
  }

  absl::Status Refuse(const std::string& variable, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("variable ", Printable(variable), ", worker '",
                                                   Printable(push_.worker_id()), "': ", what));
  }

  absl::Status CheckNumber(uint32_t number) const {
    if (number < tensors_.size()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("the push names tensor ", number, " of ", tensors_.size()));
  }

  // Whether the head announces the whole variable or, with indices, rows of it.
  absl::Status CheckAnnounced(const VariableDefinition& def, uint32_t value,
                              std::optional<uint32_t> indices) const {
    if (absl::Status status = CheckNumber(value); !status.ok()) return status;
    absl::StatusOr<Shape> expected = def.shape;
    if (indices) {
      if (absl::Status status = CheckNumber(*indices); !status.ok()) return status;
      const Announced& numbers = tensors_[*indices];
      if (numbers.dtype != DType::kInt32 && numbers.dtype != DType::kInt64) {
        return Refuse(def.name, "row numbers are neither int32 nor int64");
      }
      expected = RowsShape(def.shape, numbers.shape.num_elements());
      if (!expected.ok()) return Refuse(def.name, expected.status().message());
    }
    const Announced& announced = tensors_[value];
    if (announced.dtype == def.dtype && announced.shape == *expected) return absl::OkStatus();
    return Refuse(def.name, absl::StrCat("the push sends ", Name(announced.dtype), " ",
                                         announced.shape.ToString(), ", expected ", Name(def.dtype),
                                         " ", expected->ToString()));
  }

  template <typename Use>
  static std::optional<uint32_t> IndicesOf(const Use& use) {
    return use.has_rows() ? std::optional<uint32_t>(use.rows()) : std::nullopt;
  }
  static std::optional<PushTensor> TensorOf(std::optional<uint32_t> number) {
    return number ? std::optional(PushTensor{*number, {}}) : std::nullopt;
  }

  absl::Status Read(const v1::OptimizerStep& given, PushStep& step) {
    step.clip_norm = given.clip().norm();
    step.clip_value = given.clip().value();
    step.weight_decay = given.weight_decay();
    if (!std::isfinite(step.clip_norm) || !std::isfinite(step.clip_value) ||
        !std::isfinite(step.weight_decay)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "worker '", Printable(push_.worker_id()), "': clipping and weight decay must be finite"));
    }
    step.definer = DefinerAt(given.definer(), worker_);
    absl::Status status = ReadUpdates(given, step);
    if (status.ok()) status = ReadBindings(given, step);
    return status.ok() ? ReadOptimizer(given.state(), step) : status;
  }

  absl::Status ReadUpdates(const v1::OptimizerStep& given, PushStep& step) {
    absl::flat_hash_set<const Variable*> seen;
    step.updates.reserve(given.updates_size());
    for (const v1::Update& u : given.updates()) {
      absl::StatusOr<VariablePtr> variable = store_.Find(u.variable());
      if (!variable.ok()) return variable.status();
      absl::Status status = CheckAnnounced((*variable)->def, u.gradient(), IndicesOf(u));
      if (!status.ok()) return status;
      if (!seen.insert(variable->get()).second) {
        return Refuse(u.variable(), "has two gradients in one step; sum them first");
      }
      step.updates.push_back(
          {.variable = *std::move(variable),
           .slot_names = {u.slots().begin(), u.slots().end()},
           .base_version = u.has_base_version() ? std::optional(u.base_version()) : std::nullopt,
           .gradient = {u.gradient(), {}},
           .indices = TensorOf(IndicesOf(u)),
           .slots = {}});
    }
    return absl::OkStatus();
  }

  absl::Status ReadBindings(const v1::OptimizerStep& given, PushStep& step) const {
    for (int i = 0; i < given.bind_size(); ++i) {
      absl::StatusOr<VariablePtr> variable = store_.Find(given.bind(i));
      if (!variable.ok()) return variable.status();
      PushBinding& binding = step.bindings.emplace_back(PushBinding{*std::move(variable), {}});
      if (i >= given.bind_slots_size()) continue;
      binding.slot_names = {given.bind_slots(i).names().begin(), given.bind_slots(i).names().end()};
    }
    return absl::OkStatus();
  }

  absl::Status ReadOptimizer(const v1::OptimizerState& given, PushStep& step) {
    OptimizerSpec& spec = step.spec;
    spec = {.optimizer = given.optimizer(),
            .name = given.name().empty() ? given.optimizer() : given.name(),
            .instance = given.instance(),
            .group = given.group(),
            .scalars = {given.scalars().begin(), given.scalars().end()}};
    if (spec.group.empty() && !step.updates.empty()) {
      spec.group = step.updates.front().variable->def.name;
    } else if (spec.group.empty() && !step.bindings.empty()) {
      spec.group = step.bindings.front().variable->def.name;
    }
    step.optimizer = optimizers::FindOptimizer(spec.optimizer);
    if (step.optimizer == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown optimizer '", Printable(spec.optimizer),
                       "'; known: ", absl::StrJoin(optimizers::OptimizerNames(), ", ")));
    }
    const std::map<std::string, double> hyperparameters = {given.hyperparameters().begin(),
                                                           given.hyperparameters().end()};
    hyperparameters_.Update(
        optimizers::ReadHyperparameters(*step.optimizer, hyperparameters).status());
    step.hyperparameters = optimizers::FillHyperparameters(*step.optimizer, hyperparameters);
    return CheckState(step);
  }

  // What the state is called, and whose it is.
  static absl::Status CheckState(const PushStep& step) {
    const OptimizerSpec& spec = step.spec;
    absl::Status status = ValidateVariableName(spec.name);
    if (status.ok()) status = ValidateVariableName(spec.group);
    if (status.ok()) {
      status = CheckNames(spec.scalars, step.optimizer->scalars.size(), spec.group, spec);
    }
    const size_t slots = step.optimizer->slots(step.hyperparameters).size();
    for (const PushUpdate& update : step.updates) {
      if (status.ok()) status = CheckOwner(*update.variable, update.slot_names, slots, spec);
    }
    for (const PushBinding& binding : step.bindings) {
      if (status.ok()) status = CheckOwner(*binding.variable, binding.slot_names, slots, spec);
    }
    return status;
  }

  static absl::Status CheckOwner(const Variable& variable, const SlotNames& names, size_t slots,
                                 const OptimizerSpec& spec) {
    absl::Status status = CheckNames(names, slots, variable.def.name, spec);
    if (!status.ok() || IsFloating(variable.def.dtype)) return status;
    return absl::InvalidArgumentError(absl::StrCat("variable ", variable.def.name, " is ",
                                                   Name(variable.def.dtype), "; ", spec.optimizer,
                                                   " updates float32 and float64"));
  }

  static absl::Status CheckNames(const SlotNames& names, size_t states, const std::string& owner,
                                 const OptimizerSpec& spec) {
    absl::Status counted = CheckSlotNames(names, states, owner, spec.optimizer);
    if (!counted.ok()) return counted;
    for (const std::string& name : names) {
      if (absl::Status status = ValidateVariableName(name); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Read(const v1::Assignment& given, PushAssignment& assignment) const {
    const std::string& name = given.variable();
    if (!v1::Assignment::Op_IsValid(given.op())) {
      return absl::InvalidArgumentError(
          absl::StrCat("variable ", Printable(name), ": unknown assignment"));
    }
    const auto op = static_cast<AssignOp>(given.op());
    if (given.has_rows() && !IsScatter(op)) {
      return absl::InvalidArgumentError(
          absl::StrCat("variable ", Printable(name), ": only a scatter takes row numbers"));
    }
    if (!given.has_rows() && IsScatter(op)) return Refuse(name, "a scatter needs row numbers");
    absl::StatusOr<VariablePtr> variable = store_.Find(name);
    if (!variable.ok()) return variable.status();
    const VariableDefinition& def = (*variable)->def;
    absl::Status status = CheckAnnounced(def, given.value(), IndicesOf(given));
    if (!status.ok()) return status;
    const bool adds =
        op != AssignOp::kAssign && op != AssignOp::kInitialize && op != AssignOp::kScatterUpdate;
    if (adds && def.dtype == DType::kBool) return Refuse(name, "a bool cannot be added to");
    assignment = {*std::move(variable), op, {given.value(), {}}, TensorOf(IndicesOf(given))};
    return absl::OkStatus();
  }

  const Store& store_;
  const v1::FrameHeader& head_;
  const v1::PushHead& push_;
  const Definer& worker_;
  std::vector<Announced> tensors_;
  uint64_t bytes_ = 0;
  absl::Status hyperparameters_;
};

absl::StatusOr<ResolvedPush> Resolve(const Store& store, const v1::FrameHeader& head,
                                     const Definer& worker, uint64_t max_bytes) {
  return Resolver(store, head, worker).Run(max_bytes);
}

Definer DefinerAt(const v1::Definer& where, Definer worker) {
  worker.file = PrintablePath(where.file());
  worker.line = where.line();
  worker.time_unix_micros = where.time_unix_micros();
  return worker;
}

}  // namespace varscope::server
