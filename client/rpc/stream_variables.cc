#include "client/rpc/stream_variables.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/wire/convert.h"

namespace varscope::internal {
namespace {

bool SameRows(const Shape& a, const Shape& b) {
  return a.rank() == b.rank() && a.rank() > 0 &&
         std::equal(a.dims().begin() + 1, a.dims().end(), b.dims().begin() + 1);
}

}  // namespace

template <typename Fits>
const uint32_t* StreamVariables::Find(const std::string& name, const Fits& fits) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  const auto& numbers = found->second;
  const auto number =
      std::find_if(numbers.begin(), numbers.end(), [&](uint32_t n) { return fits(entries_[n]); });
  return number == numbers.end() ? nullptr : &*number;
}

uint32_t StreamVariables::Add(const std::string& name, const std::vector<std::string>& slots,
                              Type type, v1::FrameHeader& head) {
  const auto number = static_cast<uint32_t>(entries_.size());
  v1::NamedVariable& named = *head.add_variables();
  named.set_name(name);
  if (type.dtype != DType::kInvalid) {
    named.set_dtype(wire::ToProto(type.dtype));
    wire::ToProto(type.shape, named.mutable_shape());
  }
  named.mutable_slots()->Assign(slots.begin(), slots.end());
  entries_.push_back({slots, std::move(type)});
  by_name_[name].push_back(number);
  bytes_ += sizeof(Entry);
  for (const std::string& slot : slots) bytes_ += sizeof(std::string) + slot.size();
  return number;
}

uint32_t StreamVariables::NumberOf(const Target& target, v1::FrameHeader& head) {
  const uint32_t* const number = Find(target.name, [&](const Entry& entry) {
    const Type& type = entry.type;
    return type.dtype == target.dtype && entry.slots == target.slots &&
           (target.rows ? SameRows(type.shape, target.shape) : type.shape == target.shape);
  });
  if (number != nullptr) return *number;
  Shape shape = target.shape;
  if (target.rows && shape.rank() > 0) {
    std::vector<int64_t> dims = shape.dims();
    dims[0] = Shape::kUnknownDim;
    shape = Shape(std::move(dims));
  }
  return Add(target.name, target.slots, {target.dtype, std::move(shape)}, head);
}

uint32_t StreamVariables::NumberOf(const std::string& name, v1::FrameHeader& head) {
  const uint32_t* const number = Find(name, [](const Entry&) { return true; });
  return number != nullptr ? *number : Add(name, {}, {}, head);
}

uint32_t StreamVariables::NumberOf(const std::string& name, const std::vector<std::string>& slots,
                                   v1::FrameHeader& head) {
  const uint32_t* const number =
      Find(name, [&](const Entry& entry) { return entry.slots == slots; });
  return number != nullptr ? *number : Add(name, slots, {}, head);
}

absl::Status StreamVariables::Learn(const v1::FrameHeader& answer) {
  if (known_ + answer.types_size() != entries_.size()) {
    return absl::InternalError(absl::StrCat("the server tells of ", answer.types_size(),
                                            " variables, expected ", entries_.size() - known_));
  }
  for (const v1::VariableType& type : answer.types()) {
    const absl::StatusOr<DType> dtype = wire::FromProto(type.dtype());
    absl::StatusOr<Shape> shape = wire::FromProto(type.shape());
    if (!dtype.ok() || !shape.ok() || !shape->IsFullyDefined()) {
      return absl::InternalError("the server tells of a variable without dtype or shape");
    }
    entries_[known_++].type = {*dtype, *std::move(shape)};
  }
  return absl::OkStatus();
}

}  // namespace varscope::internal
