// Between the wire's messages and the core's value types.
#ifndef VARSCOPE_PROTO_WIRE_CONVERT_H_
#define VARSCOPE_PROTO_WIRE_CONVERT_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "proto/naming/creator.h"
#include "proto/wire/encoding.h"
#include "varscope/dtype.h"
#include "varscope/shape.h"
#include "varscope/v1/types.pb.h"

namespace varscope::wire {

void ToProto(const Shape& shape, v1::Shape* out);
// InvalidArgument for more than Shape::kMaxRank dimensions or one below -1.
absl::StatusOr<Shape> FromProto(const v1::Shape& shape);

v1::DType ToProto(DType dtype);
// InvalidArgument for a number that names no dtype.
absl::StatusOr<DType> FromProto(v1::DType dtype);

// InvalidArgument for a number that names no encoding: repeated enums come as any number.
absl::StatusOr<Encoding> EncodingFromProto(int number);

void ToProto(const Creator& creator, v1::Creator* out);
Creator FromProto(const v1::Creator& creator);

void ToProto(const std::map<std::string, double>& numbers,
             google::protobuf::RepeatedPtrField<v1::NamedNumber>* out);
std::map<std::string, double> FromProto(
    const google::protobuf::RepeatedPtrField<v1::NamedNumber>& numbers);

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_CONVERT_H_
