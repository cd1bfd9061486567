#include "proto/wire/convert.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "proto/naming/names.h"

namespace varscope::wire {
namespace {

// The table and the message have the same dtypes, under the same names and numbers.
#define VARSCOPE_CHECK(number, message, ...) static_assert(v1::DT_##message == number);
VARSCOPE_DTYPES(VARSCOPE_CHECK)
#undef VARSCOPE_CHECK
static_assert(v1::DType_ARRAYSIZE == std::size(kDTypes) + 1);

}  // namespace

void ToProto(const Shape& shape, v1::Shape* out) {
  out->set_unknown_rank(!shape.known_rank());
  out->mutable_dims()->Assign(shape.dims().begin(), shape.dims().end());
}

absl::StatusOr<Shape> FromProto(const v1::Shape& shape) {
  if (shape.unknown_rank()) return Shape::Unknown();
  if (shape.dims_size() > Shape::kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape has ", shape.dims_size(), " dimensions, at most ", Shape::kMaxRank));
  }
  for (int64_t d : shape.dims()) {
    if (d < Shape::kUnknownDim) {
      return absl::InvalidArgumentError(absl::StrCat("shape has the negative dimension ", d));
    }
  }
  return Shape(std::vector<int64_t>(shape.dims().begin(), shape.dims().end()));
}

v1::DType ToProto(DType dtype) { return static_cast<v1::DType>(dtype); }

absl::StatusOr<DType> FromProto(v1::DType dtype) {
  if (v1::DType_IsValid(dtype) && dtype != v1::DT_INVALID) return static_cast<DType>(dtype);
  return absl::InvalidArgumentError(
      absl::StrCat(static_cast<int>(dtype), " is not a dtype that varscope stores"));
}

absl::StatusOr<Encoding> EncodingFromProto(int number) {
  if (v1::Encoding_IsValid(number)) return static_cast<Encoding>(number);
  return absl::InvalidArgumentError(absl::StrCat("there is no encoding ", number));
}

void ToProto(const Creator& creator, v1::Creator* out) {
  out->set_worker_id(creator.worker_id);
  out->set_host(Utf8(creator.host));
  out->set_pid(creator.pid);
  out->set_file(Utf8(creator.file));
  out->set_line(creator.line);
  out->set_time_unix_micros(creator.time_unix_micros);
}

Creator FromProto(const v1::Creator& d) {
  return {d.worker_id(), d.host(), d.pid(), d.file(), d.line(), d.time_unix_micros()};
}

void ToProto(const std::map<std::string, double>& numbers,
             google::protobuf::RepeatedPtrField<v1::NamedNumber>* out) {
  for (const auto& [name, value] : numbers) {
    v1::NamedNumber* const number = out->Add();
    number->set_name(name);
    number->set_value(value);
  }
}

std::map<std::string, double> FromProto(
    const google::protobuf::RepeatedPtrField<v1::NamedNumber>& numbers) {
  std::map<std::string, double> out;
  for (const v1::NamedNumber& number : numbers) out[number.name()] = number.value();
  return out;
}

}  // namespace varscope::wire
