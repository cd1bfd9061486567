#include "server/push/stream_variables.h"

#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"
#include "proto/wire/convert.h"
#include "proto/wire/retry_info.h"

namespace varscope::server {

namespace {

// About.
size_t BytesOfSlots(const v1::NamedVariable& named) {
  constexpr size_t kOfMalloc = 16;
  size_t bytes = 0;
  for (const std::string& slot : named.slots()) {
    bytes += sizeof(std::string) + kOfMalloc + slot.size();
  }
  return bytes;
}

// About, with what a deque leaves empty.
size_t BytesOf(const v1::NamedVariable& named) {
  return sizeof(StreamVariables::Entry) * 3 / 2 + BytesOfSlots(named);
}

}  // namespace

absl::Status StreamVariables::Add(const Catalog& catalog, const Named& named,
                                  const Caller& caller) {
  if (table_ == nullptr) table_ = std::make_shared<Table>();
  if (table_->entries.empty()) generation_ = catalog.generation();
  if (absl::Status status = CheckPresent(catalog, caller); !status.ok()) return status;
  if (absl::Status status = Reserve(named, caller); !status.ok()) return status;
  for (const v1::NamedVariable& variable : named) {
    if (absl::Status status = AddOne(catalog, variable, caller); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StreamVariables::Reserve(const Named& named, const Caller& caller) {
  size_t bytes = 0;
  for (const v1::NamedVariable& variable : named) bytes += BytesOf(variable);
  bytes_ += bytes;
  if (bytes_ > kMaxBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(Who(caller), "one stream names too many variables (", size(), " and ",
                     named.size(), " more); open another one"));
  }
  absl::Status status = IdleMemory::Process().Extend(table_->held, caller.holder(), bytes);
  if (status.ok()) return status;
  return Prefixed(
      absl::StrCat(Who(caller), "for the variables that its stream names and their slots, "),
      status);
}

absl::Status StreamVariables::CheckPresent(const Catalog& catalog, const Caller& caller) const {
  if (generation_ == catalog.generation()) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat(Who(caller), "the store was rolled back after this stream had named its ",
                   "variables; nothing was done, and the stream has to name them again"));
}

absl::Status StreamVariables::AddOne(const Catalog& catalog, const v1::NamedVariable& named,
                                     const Caller& caller) {
  absl::StatusOr<VariablePtr> variable = catalog.Find(named.name());
  if (!variable.ok()) {
    return absl::Status(variable.status().code(),
                        absl::StrCat(Who(caller), variable.status().message()));
  }
  const auto refuse = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(About(Printable(named.name()), caller.worker_id), what));
  };
  const VariableDefinition& def = (*variable)->def;
  if (named.dtype() != v1::DT_INVALID) {
    const absl::StatusOr<DType> dtype = wire::FromProto(named.dtype());
    if (!dtype.ok()) return refuse(dtype.status().message());
    const absl::StatusOr<Shape> shape = wire::FromProto(named.shape());
    if (!shape.ok()) return refuse(shape.status().message());
    if (*dtype != def.dtype || !shape->IsCompatibleWith(def.shape)) {
      return refuse(absl::StrCat("the worker sends ", Name(*dtype), " ", shape->ToString(),
                                 ", expected ", Name(def.dtype), " ", def.shape.ToString()));
    }
  }
  for (const std::string& slot : named.slots()) {
    if (absl::Status status = ValidateVariableName(slot); !status.ok()) {
      return refuse(absl::StrCat("as the name of a slot, ", status.message()));
    }
  }
  table_->entries.push_back(
      {.variable = *variable,
       .slots = {named.slots().begin(), named.slots().end()},
       .name = def.name,
       .dtype = def.dtype,
       .shape = def.shape,
       .bytes = static_cast<uint64_t>(def.shape.num_elements()) * SizeOf(def.dtype),
       .slot_bytes = BytesOfSlots(named)});
  return absl::OkStatus();
}

void StreamVariables::DescribeLast(size_t count, v1::FrameHeader& answer) const {
  for (size_t i = size() - count; i < size(); ++i) {
    const VariableDefinition& def = table_->entries[i].variable->def;
    v1::VariableType& type = *answer.add_types();
    type.set_dtype(wire::ToProto(def.dtype));
    wire::ToProto(def.shape, type.mutable_shape());
  }
}

absl::StatusOr<const StreamVariables::Entry*> StreamVariables::Find(uint32_t number) const {
  if (number < size()) return &table_->entries[number];
  return absl::InvalidArgumentError(absl::StrCat("the request means variable number ", number,
                                                 ", its stream has named ", size()));
}

absl::Status CheckColumn(absl::string_view subject, int entries, int variables,
                         absl::string_view what) {
  if (entries == 0 || entries == variables) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(subject, " has ", entries, " ", what, " for ", variables, " variables"));
}

}  // namespace varscope::server
