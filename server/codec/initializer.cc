#include "server/codec/initializer.h"

#include <cstring>
#include <span>

#include "absl/strings/str_cat.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/elements.h"
#include "proto/tensor/shape_rules.h"
#include "proto/wire/convert.h"

namespace varscope::server::codec {
namespace {

absl::StatusOr<Tensor> ValueTensor(const std::string& bytes, DType dtype, const Shape& shape) {
  const absl::StatusOr<uint64_t> size = ByteSize(dtype, shape);
  if (!size.ok()) return size.status();
  if (*size != bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat("the initial value has ", bytes.size(),
                                                   " bytes, ", Name(dtype), " ", shape.ToString(),
                                                   " takes ", *size));
  }
  if (!AreValid(dtype, std::as_bytes(std::span(bytes)))) {
    return absl::InvalidArgumentError("the initial value has a bool that is neither 0 nor 1");
  }
  absl::StatusOr<Tensor> tensor = TryAllocate(dtype, shape);
  if (tensor.ok()) std::memcpy(tensor->mutable_raw(), bytes.data(), bytes.size());
  return tensor;
}

}  // namespace

absl::StatusOr<InitializerSpec> FromProto(const v1::InitializerSpec& spec, DType dtype,
                                          const std::optional<Shape>& shape) {
  InitializerSpec out;
  out.kind = spec.kind();
  out.parameters = wire::FromProto(spec.parameters());
  out.mode = spec.mode();
  out.distribution = spec.distribution();
  if (spec.has_seed()) out.seed = spec.seed();
  if (spec.kind() != "value") return out;
  if (!shape) return absl::InvalidArgumentError("an initial value needs a shape");
  absl::StatusOr<Tensor> value = ValueTensor(spec.value(), dtype, *shape);
  if (!value.ok()) return value.status();
  out.value = *std::move(value);
  return out;
}

void ToProto(const InitializerSpec& spec, v1::InitializerSpec* out) {
  out->set_kind(spec.kind);
  wire::ToProto(spec.parameters, out->mutable_parameters());
  out->set_mode(spec.mode);
  out->set_distribution(spec.distribution);
  if (spec.seed) out->set_seed(*spec.seed);
}

}  // namespace varscope::server::codec
