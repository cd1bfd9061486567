#include "server/push/resolve.h"

#include <map>
#include <set>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/naming/names.h"
#include "proto/optimizers/clip.h"
#include "proto/tensor/rows.h"
#include "proto/tensor/shape_rules.h"
#include "proto/wire/convert.h"
#include "proto/wire/retry_info.h"
#include "server/auth/rights.h"

namespace varscope::server {
namespace {

class HeadReader {
 public:
  HeadReader(const StreamVariables& variables, const Caller& caller, const Creator& worker,
             uint64_t max_bytes, std::vector<wire::IncomingTensor>& tensors)
      : variables_(variables),
        caller_(caller),
        worker_(worker),
        max_bytes_(max_bytes),
        tensors_(tensors) {}

  static constexpr size_t kMaxSteps = size_t{1} << 12;
  static constexpr size_t kMaxTensors = size_t{1} << 16;

  // What a few bytes of a head stand for takes much memory, so it is limited before it is taken.
  absl::Status CheckCount(size_t count, size_t most, absl::string_view what) const {
    if (count <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(Who(caller_), "the push has ", count, " ", what,
                                                   ", at most ", most, " are taken at once"));
  }

  absl::Status Read(const v1::OptimizerStep& given, PushStep& step) {
    step.clip_norm = given.clip().norm();
    step.clip_value = given.clip().value();
    step.weight_decay = given.weight_decay();
    const absl::Status clip = optimizers::CheckClip(step.clip_value, step.clip_norm);
    if (!clip.ok()) return Prefixed(Who(caller_), clip);
    step.creator = CreatorAt(given.creator(), worker_);
    absl::Status status = ReadUpdates(given, step);
    if (status.ok()) status = CheckWeightDecay(step);
    if (status.ok()) status = ReadBindings(given, step);
    return status.ok() ? ReadOptimizer(given.state(), step) : status;
  }

  absl::Status Read(const v1::Assignment& given, PushAssignment& assignment) {
    const absl::StatusOr<const StreamVariables::Entry*> entry = variables_.Find(given.variable());
    if (!entry.ok()) return entry.status();
    assignment.variable = (*entry)->variable;
    const VariableDefinition& def = assignment.variable->def;
    absl::Status may = Authorize(caller_, Right::kAssign, def.name);
    if (!may.ok()) return may;
    if (!v1::Assignment::Op_IsValid(given.op())) return Refuse(def.name, "unknown assignment");
    const auto op = assignment.op = static_cast<AssignOp>(given.op());
    if (given.index_count() > 0 && !IsScatter(op)) {
      return Refuse(def.name, "only a scatter takes indices");
    }
    if (given.index_count() == 0 && IsScatter(op))
      return Refuse(def.name, "a scatter needs indices");
    const bool adds =
        op != AssignOp::kAssign && op != AssignOp::kInitialize && op != AssignOp::kScatterUpdate;
    if (adds && def.dtype == DType::kBool) return Refuse(def.name, "a bool cannot be added to");
    return Take(def, given.index_count(), wire::Encoding::kNone, assignment.value,
                assignment.indices);
  }

  uint64_t total_bytes = 0;            // of all tensors so far, at most max_bytes
  absl::Status wrong_hyperparameters;  // what is wrong with them

 private:
  absl::Status Refuse(const std::string& variable, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(About(variable, caller_.worker_id), what));
  }

  // The next tensor that comes.
  absl::StatusOr<PushTensor> Take(const VariableDefinition& def, DType dtype, const Shape& shape,
                                  wire::Encoding encoding = wire::Encoding::kNone) {
    absl::StatusOr<uint64_t> bytes = wire::EncodedSize(encoding, dtype, shape);
    if (bytes.ok()) bytes = ByteSize(dtype, shape);
    if (!bytes.ok()) return Refuse(def.name, bytes.status().message());
    if (*bytes > max_bytes_ - total_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat(Who(caller_), "the push is above ",
                                                       max_bytes_, " bytes (--max-push-bytes)"));
    }
    total_bytes += *bytes;
    absl::Status few = CheckCount(tensors_.size() + 1, kMaxTensors, "tensors");
    if (!few.ok()) return few;
    tensors_.push_back({dtype, shape, encoding, def.name});
    return PushTensor{static_cast<uint32_t>(tensors_.size() - 1), {}};
  }

  // A value for the whole variable, or, when `rows` is not 0, for rows - 1 of its rows.
  absl::Status Take(const VariableDefinition& def, uint64_t rows, wire::Encoding encoding,
                    PushTensor& value, std::optional<PushTensor>& indices) {
    absl::StatusOr<Shape> shape = def.shape;
    if (rows > 0) {
      constexpr uint64_t kMost = uint64_t{1} << 60;
      if (rows > kMost) return Refuse(def.name, "the push announces more rows than there are");
      const auto count = static_cast<int64_t>(rows - 1);
      shape = RowsShape(def.shape, count);
      if (!shape.ok()) return Refuse(def.name, shape.status().message());
      const absl::StatusOr<PushTensor> numbers = Take(def, DType::kInt64, Shape{count});
      if (!numbers.ok()) return numbers.status();
      indices = *numbers;
    }
    const absl::StatusOr<PushTensor> taken = Take(def, def.dtype, *shape, encoding);
    if (!taken.ok()) return taken.status();
    value = *taken;
    return absl::OkStatus();
  }

  absl::Status ReadUpdates(const v1::OptimizerStep& given, PushStep& step) {
    const int count = given.variables_size();
    const std::string subject = absl::StrCat(Who(caller_), "the push");
    absl::Status status = CheckColumn(subject, given.index_counts_size(), count, "index counts");
    status.Update(CheckColumn(subject, given.base_versions_size(), count, "versions"));
    status.Update(CheckColumn(subject, given.encodings_size(), count, "encodings"));
    status.Update(CheckCount(count, variables_.most_in_a_list(), "gradients"));
    if (!status.ok()) return status;
    std::unordered_set<const Variable*> seen;
    seen.reserve(count);
    step.updates.reserve(count);
    for (int i = 0; i < count; ++i) {
      const absl::StatusOr<const StreamVariables::Entry*> entry =
          variables_.Find(given.variables(i));
      if (!entry.ok()) return entry.status();
      PushUpdate& update = step.updates.emplace_back();
      update.variable = (*entry)->variable;
      update.slot_names = (*entry)->slots;
      const VariableDefinition& def = update.variable->def;
      if (status = Authorize(caller_, Right::kPush, def.name); !status.ok()) return status;
      if (!seen.insert(update.variable.get()).second) {
        return Refuse(def.name, "has two gradients in one step; sum them first");
      }
      if (given.base_versions_size() > 0 && given.base_versions(i) > 0) {
        update.base_version = given.base_versions(i) - 1;
      }
      const absl::StatusOr<wire::Encoding> encoding =
          wire::EncodingFromProto(given.encodings_size() > 0 ? given.encodings(i) : 0);
      if (!encoding.ok()) return Refuse(def.name, encoding.status().message());
      status = Take(def, given.index_counts_size() > 0 ? given.index_counts(i) : 0, *encoding,
                    update.gradient, update.indices);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status CheckWeightDecay(const PushStep& step) const {
    absl::Status any = optimizers::CheckWeightDecay(step.weight_decay, DType::kFloat64);
    if (!any.ok()) return absl::InvalidArgumentError(absl::StrCat(Who(caller_), any.message()));
    for (const PushUpdate& u : step.updates) {
      absl::Status status = optimizers::CheckWeightDecay(step.weight_decay, u.variable->def.dtype);
      if (!status.ok()) return Refuse(u.variable->def.name, status.message());
    }
    return absl::OkStatus();
  }

  absl::Status ReadBindings(const v1::OptimizerStep& given, PushStep& step) {
    slot_creations_ += given.create_slots_size();
    absl::Status status =
        CheckCount(given.create_slots_size(), variables_.most_in_a_list(), "slot creations");
    status.Update(CheckCount(slot_creations_, kMaxTensors, "slot creations"));
    if (!status.ok()) return status;
    for (const uint32_t number : given.create_slots()) {
      const absl::StatusOr<const StreamVariables::Entry*> entry = variables_.Find(number);
      if (!entry.ok()) return entry.status();
      status = Authorize(caller_, Right::kPush, (*entry)->variable->def.name);
      if (!status.ok()) return status;
      step.slot_creations.push_back({(*entry)->variable, (*entry)->slots});
    }
    return absl::OkStatus();
  }

  absl::Status ReadOptimizer(const v1::OptimizerState& given, PushStep& step) {
    OptimizerSpec& spec = step.spec;
    spec = {.optimizer = given.optimizer(),
            .name = given.name().empty() ? given.optimizer() : given.name(),
            .instance = given.instance(),
            .group = given.group(),
            .non_slots = {given.non_slots().begin(), given.non_slots().end()}};
    if (spec.group.empty() && !step.updates.empty()) {
      spec.group = step.updates.front().variable->def.name;
    } else if (spec.group.empty() && !step.slot_creations.empty()) {
      spec.group = step.slot_creations.front().variable->def.name;
    }
    step.optimizer = optimizers::FindOptimizer(spec.optimizer);
    if (step.optimizer == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown optimizer '", Printable(spec.optimizer),
                       "'; known: ", absl::StrJoin(optimizers::OptimizerNames(), ", ")));
    }
    const std::map<std::string, double> hyperparameters = wire::FromProto(given.hyperparameters());
    wrong_hyperparameters.Update(CheckHyperparameters(step, hyperparameters));
    step.hyperparameters = optimizers::FillHyperparameters(*step.optimizer, hyperparameters);
    return CheckState(step);
  }

  // In each dtype that the step is carried out in.
  absl::Status CheckHyperparameters(const PushStep& step,
                                    const std::map<std::string, double>& given) const {
    std::set<DType> dtypes;
    for (const PushUpdate& u : step.updates) dtypes.insert(u.variable->def.dtype);
    for (const SlotCreation& c : step.slot_creations) dtypes.insert(c.variable->def.dtype);
    if (dtypes.empty()) dtypes.insert(DType::kFloat64);
    for (const DType dtype : dtypes) {
      absl::Status status = optimizers::ReadHyperparameters(*step.optimizer, given, dtype).status();
      if (!status.ok())
        return absl::InvalidArgumentError(absl::StrCat(Who(caller_), status.message()));
    }
    return absl::OkStatus();
  }

  // What the state is called, and whose it is.
  static absl::Status CheckState(const PushStep& step) {
    const OptimizerSpec& spec = step.spec;
    absl::Status status = ValidateVariableName(spec.name);
    if (status.ok()) status = ValidateVariableName(spec.group);
    if (status.ok()) {
      status = CheckSlotNames(spec.non_slots, step.optimizer->non_slots.size(), spec.group,
                              spec.optimizer);
    }
    for (const std::string& name : spec.non_slots) {
      if (status.ok()) status = ValidateVariableName(name);
    }
    const size_t slots = step.optimizer->slots(step.hyperparameters).size();
    for (const PushUpdate& update : step.updates) {
      if (status.ok()) status = CheckOwner(*update.variable, update.slot_names, slots, spec);
    }
    for (const SlotCreation& creation : step.slot_creations) {
      if (status.ok()) status = CheckOwner(*creation.variable, creation.slot_names, slots, spec);
    }
    return status;
  }

  static absl::Status CheckOwner(const Variable& variable, const SlotNames& names, size_t slots,
                                 const OptimizerSpec& spec) {
    absl::Status status = CheckSlotNames(names, slots, variable.def.name, spec.optimizer);
    if (!status.ok() || TakesGradients(variable.def.dtype)) return status;
    return absl::InvalidArgumentError(absl::StrCat(
        "variable ", variable.def.name, " is ", Name(variable.def.dtype), "; ", spec.optimizer,
        " updates float32 and float64 (train such a variable, and assign a cast of it to this "
        "one)"));
  }

  const StreamVariables& variables_;
  const Caller& caller_;
  const Creator& worker_;
  const uint64_t max_bytes_;
  std::vector<wire::IncomingTensor>& tensors_;
  size_t slot_creations_ = 0;  // of all steps
};

}  // namespace

absl::StatusOr<ResolvedPush> Resolve(const StreamVariables& variables, const v1::PushHead& push,
                                     const Caller& caller, const Creator& worker,
                                     uint64_t max_bytes,
                                     std::vector<wire::IncomingTensor>& tensors) {
  HeadReader reader(variables, caller, worker, max_bytes, tensors);
  PushContents contents{
      .id = {caller.worker_id, caller.incarnation, push.sequence()},
      .allow_nonfinite = push.allow_nonfinite(),
  };
  absl::Status status = reader.CheckCount(push.steps_size(), HeadReader::kMaxSteps, "steps");
  status.Update(reader.CheckCount(push.assignments_size(), HeadReader::kMaxTensors, "assignments"));
  for (const v1::OptimizerStep& step : push.steps()) {
    if (status.ok()) status = reader.Read(step, contents.steps.emplace_back());
  }
  for (const v1::Assignment& assignment : push.assignments()) {
    if (status.ok()) status = reader.Read(assignment, contents.assignments.emplace_back());
  }
  if (!status.ok()) return status;
  return ResolvedPush(std::move(contents), reader.total_bytes,
                      std::move(reader.wrong_hyperparameters));
}

uint64_t MemoryOfPush(const StreamVariables& variables, const v1::PushHead& push) {
  // Its tensor among those that come and those that have come; what names it in each stage.
  constexpr uint64_t kTensor = 512;
  constexpr uint64_t kVariable = 512;
  constexpr uint64_t kStep = 2048;
  constexpr uint64_t kText = 48;
  const auto of_variable = [&](uint32_t number) {
    uint64_t bytes = kVariable;
    const absl::StatusOr<const StreamVariables::Entry*> entry = variables.Find(number);
    if (!entry.ok()) return bytes;
    for (const std::string& slot : (*entry)->slots) bytes += kText + slot.size();
    return bytes;
  };
  uint64_t bytes = push.ByteSizeLong();  // its texts are copied
  for (const v1::OptimizerStep& step : push.steps()) {
    bytes += kStep + kTensor * (step.variables_size() + step.index_counts_size());
    for (const uint32_t number : step.variables()) bytes += of_variable(number);
    for (const uint32_t number : step.create_slots()) bytes += of_variable(number);
  }
  return bytes + (2 * kTensor + kVariable) * push.assignments_size();
}

Creator CreatorAt(const v1::Creator& where, Creator worker) {
  worker.file = PrintablePath(where.file());
  worker.line = where.line();
  worker.time_unix_micros = where.time_unix_micros();
  return worker;
}

}  // namespace varscope::server
