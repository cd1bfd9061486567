#include "server/push/resolve.h"

#include <map>
#include <set>

#include "absl/container/flat_hash_set.h"
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
    const Hyperparameters hyperparameters = wire::FromProto(given.state().hyperparameters());
    dtypes_.clear();
    absl::Status status = ReadOptimizer(given.state(), hyperparameters, step);
    if (status.ok()) status = ReadUpdates(given, step);
    if (status.ok()) status = ReadBindings(given, step);
    if (status.ok()) status = CheckWeightDecay(step);
    if (status.ok()) status = CheckState(step);
    if (status.ok()) wrong_hyperparameters.Update(CheckHyperparameters(step, hyperparameters));
    return status;
  }

  absl::Status Read(const v1::Assignment& given, PushAssignment& assignment) {
    const absl::StatusOr<const StreamVariables::Entry*> found = variables_.Find(given.variable());
    if (!found.ok()) return found.status();
    const StreamVariables::Entry& entry = **found;
    assignment.variable = entry.variable.get();
    absl::Status may = Authorize(caller_, Right::kAssign, entry.name);
    if (!may.ok()) return may;
    if (!v1::Assignment::Op_IsValid(given.op())) return Refuse(entry.name, "unknown assignment");
    const auto op = assignment.op = static_cast<AssignOp>(given.op());
    if (given.index_count() > 0 && !IsScatter(op)) {
      return Refuse(entry.name, "only a scatter takes indices");
    }
    if (given.index_count() == 0 && IsScatter(op))
      return Refuse(entry.name, "a scatter needs indices");
    const bool adds =
        op != AssignOp::kAssign && op != AssignOp::kInitialize && op != AssignOp::kScatterUpdate;
    if (adds && entry.dtype == DType::kBool) {
      return Refuse(entry.name, "a bool cannot be added to");
    }
    return Take(entry, given.index_count(), wire::Encoding::kNone, assignment.value,
                assignment.indices);
  }

  uint64_t total_bytes = 0;            // of all tensors so far, at most max_bytes
  uint64_t touched_bytes = 0;          // of all variables that get a gradient or a value
  absl::Status wrong_hyperparameters;  // what is wrong with them

 private:
  using Hyperparameters = std::map<std::string, double>;

  absl::Status Refuse(absl::string_view variable, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(About(variable, caller_.worker_id), what));
  }

  // The next tensor that comes.
  absl::StatusOr<PushTensor> Take(uint64_t bytes, wire::IncomingTensor tensor) {
    if (bytes > max_bytes_ - total_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat(Who(caller_), "the push is above ",
                                                       max_bytes_, " bytes (--max-push-bytes)"));
    }
    total_bytes += bytes;
    absl::Status few = CheckCount(tensors_.size() + 1, kMaxTensors, "tensors");
    if (!few.ok()) return few;
    tensors_.push_back(std::move(tensor));
    return PushTensor{static_cast<uint32_t>(tensors_.size() - 1), {}};
  }

  // For `rows` - 1 rows of a variable: their numbers, and the shape of the value. Nothing: there
  // are none.
  absl::StatusOr<Shape> TakeRows(const StreamVariables::Entry& entry, uint64_t rows,
                                 std::optional<PushTensor>& indices) {
    if (rows == 0) return entry.shape;
    constexpr uint64_t kMost = uint64_t{1} << 60;
    if (rows > kMost) return Refuse(entry.name, "the push announces more rows than there are");
    const auto count = static_cast<int64_t>(rows - 1);
    absl::StatusOr<Shape> shape = RowsShape(entry.shape, count);
    if (!shape.ok()) return Refuse(entry.name, shape.status().message());
    absl::StatusOr<PushTensor> numbers =
        Take(count * sizeof(int64_t), {DType::kInt64, Shape{count}, {}, entry.name});
    if (!numbers.ok()) return numbers.status();
    indices = *std::move(numbers);
    return shape;
  }

  // A value for the whole variable, or, when `rows` is not 0, for rows - 1 of its rows.
  absl::Status Take(const StreamVariables::Entry& entry, uint64_t rows, wire::Encoding encoding,
                    PushTensor& value, std::optional<PushTensor>& indices) {
    absl::StatusOr<Shape> shape = TakeRows(entry, rows, indices);
    if (!shape.ok()) return shape.status();
    absl::StatusOr<uint64_t> bytes = entry.bytes;
    if (rows != 0) bytes = ByteSize(entry.dtype, *shape);
    absl::Status travels = bytes.status();
    if (travels.ok() && encoding != wire::Encoding::kNone) {
      travels = wire::EncodedSize(encoding, entry.dtype, *shape).status();
    }
    if (!travels.ok()) return Refuse(entry.name, travels.message());
    absl::StatusOr<PushTensor> taken =
        Take(*bytes, {entry.dtype, *std::move(shape), encoding, entry.name});
    if (!taken.ok()) return taken.status();
    value = *std::move(taken);
    touched_bytes += entry.bytes;
    return absl::OkStatus();
  }

  absl::Status ReadOptimizer(const v1::OptimizerState& given,
                             const Hyperparameters& hyperparameters, PushStep& step) {
    step.spec = {.optimizer = given.optimizer(),
                 .name = given.name().empty() ? given.optimizer() : given.name(),
                 .instance = given.instance(),
                 .group = given.group(),
                 .non_slots = {given.non_slots().begin(), given.non_slots().end()}};
    step.optimizer = optimizers::FindOptimizer(step.spec.optimizer);
    if (step.optimizer == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown optimizer '", Printable(step.spec.optimizer),
                       "'; known: ", absl::StrJoin(optimizers::OptimizerNames(), ", ")));
    }
    step.hyperparameters = optimizers::FillHyperparameters(*step.optimizer, hyperparameters);
    slots_ = step.optimizer->slots(step.hyperparameters).size();
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
    absl::flat_hash_set<const Variable*> seen;
    seen.reserve(count);
    step.updates.reserve(count);
    for (int i = 0; i < count; ++i) {
      const absl::StatusOr<const StreamVariables::Entry*> entry =
          TakeOwner(given.variables(i), step.spec);
      if (!entry.ok()) return entry.status();
      const absl::string_view name = (*entry)->name;
      PushUpdate& update = step.updates.emplace_back();
      update.variable = (*entry)->variable.get();
      update.slot_names = &(*entry)->slots;
      if (!seen.insert(update.variable).second) {
        return Refuse(name, "has two gradients in one step; sum them first");
      }
      if (given.base_versions_size() > 0 && given.base_versions(i) > 0) {
        update.base_version = given.base_versions(i) - 1;
      }
      const absl::StatusOr<wire::Encoding> encoding =
          wire::EncodingFromProto(given.encodings_size() > 0 ? given.encodings(i) : 0);
      if (!encoding.ok()) return Refuse(name, encoding.status().message());
      status = Take(**entry, given.index_counts_size() > 0 ? given.index_counts(i) : 0, *encoding,
                    update.gradient, update.indices);
      if (!status.ok()) return status;
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
      const absl::StatusOr<const StreamVariables::Entry*> entry = TakeOwner(number, step.spec);
      if (!entry.ok()) return entry.status();
      step.slot_creations.push_back({(*entry)->variable.get(), &(*entry)->slots});
    }
    return absl::OkStatus();
  }

  // A variable that the step updates, or makes slots for.
  absl::StatusOr<const StreamVariables::Entry*> TakeOwner(uint32_t number,
                                                          const OptimizerSpec& spec) {
    absl::StatusOr<const StreamVariables::Entry*> entry = variables_.Find(number);
    if (!entry.ok()) return entry;
    const absl::string_view name = (*entry)->name;
    absl::Status status = Authorize(caller_, Right::kPush, name);
    if (status.ok()) status = CheckSlotNames((*entry)->slots, slots_, name, spec.optimizer);
    if (!status.ok()) return status;
    const DType dtype = (*entry)->dtype;
    if (!TakesGradients(dtype)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "variable ", name, " is ", Name(dtype), "; ", spec.optimizer,
          " updates float32 and float64 (train such a variable, and assign a cast of it to this "
          "one)"));
    }
    if (dtypes_.empty() || dtypes_.back() != dtype) dtypes_.push_back(dtype);
    return entry;
  }

  absl::Status CheckWeightDecay(const PushStep& step) const {
    absl::Status any = optimizers::CheckWeightDecay(step.weight_decay, DType::kFloat64);
    if (!any.ok()) return absl::InvalidArgumentError(absl::StrCat(Who(caller_), any.message()));
    if (step.weight_decay == 0) return any;
    for (const PushUpdate& u : step.updates) {
      absl::Status status = optimizers::CheckWeightDecay(step.weight_decay, u.variable->def.dtype);
      if (!status.ok()) return Refuse(u.variable->def.name, status.message());
    }
    return absl::OkStatus();
  }

  // In each dtype that the step is carried out in.
  absl::Status CheckHyperparameters(const PushStep& step, const Hyperparameters& given) const {
    std::set<DType> dtypes(dtypes_.begin(), dtypes_.end());
    if (dtypes.empty()) dtypes.insert(DType::kFloat64);
    for (const DType dtype : dtypes) {
      absl::Status status = optimizers::ReadHyperparameters(*step.optimizer, given, dtype).status();
      if (!status.ok())
        return absl::InvalidArgumentError(absl::StrCat(Who(caller_), status.message()));
    }
    return absl::OkStatus();
  }

  // What the state is called, and whose it is.
  static absl::Status CheckState(PushStep& step) {
    OptimizerSpec& spec = step.spec;
    if (spec.group.empty() && !step.updates.empty()) {
      spec.group = step.updates.front().variable->def.name;
    } else if (spec.group.empty() && !step.slot_creations.empty()) {
      spec.group = step.slot_creations.front().variable->def.name;
    }
    absl::Status status = ValidateVariableName(spec.name);
    if (status.ok()) status = ValidateVariableName(spec.group);
    if (status.ok()) {
      status = CheckSlotNames(spec.non_slots, step.optimizer->non_slots.size(), spec.group,
                              spec.optimizer);
    }
    for (const std::string& name : spec.non_slots) {
      if (status.ok()) status = ValidateVariableName(name);
    }
    return status;
  }

  const StreamVariables& variables_;
  const Caller& caller_;
  const Creator& worker_;
  const uint64_t max_bytes_;
  std::vector<wire::IncomingTensor>& tensors_;
  size_t slot_creations_ = 0;  // of all steps
  // Of the step that is being read: how many a variable has, and which dtypes, some of them often.
  size_t slots_ = 0;
  std::vector<DType> dtypes_;
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
  contents.owners.push_back(variables.owner());
  for (const v1::OptimizerStep& step : push.steps()) {
    if (status.ok()) status = reader.Read(step, contents.steps.emplace_back());
  }
  for (const v1::Assignment& assignment : push.assignments()) {
    if (status.ok()) status = reader.Read(assignment, contents.assignments.emplace_back());
  }
  if (!status.ok()) return status;
  return ResolvedPush(std::move(contents), reader.total_bytes, reader.touched_bytes,
                      std::move(reader.wrong_hyperparameters));
}

uint64_t MemoryOfPush(const StreamVariables& variables, const v1::PushHead& push) {
  // Its tensor among those that come and those that have come; what means it in each stage.
  constexpr uint64_t kTensor = 512;
  constexpr uint64_t kVariable = 512;
  constexpr uint64_t kStep = 2048;
  const auto of_variable = [&](uint32_t number) {
    const absl::StatusOr<const StreamVariables::Entry*> entry = variables.Find(number);
    return kVariable + (entry.ok() ? (*entry)->slot_bytes : 0);
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
