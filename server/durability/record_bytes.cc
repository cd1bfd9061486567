#include "server/durability/record_bytes.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/shape_rules.h"

namespace varscope::server {

absl::Status DamagedRecord(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("a record does not make sense: ", what));
}

RecordBytes Serialize(const durability::Record& record, std::vector<Tensor> body) {
  RecordBytes bytes{{}, std::move(body)};
  if (record.SerializeToString(&bytes.header)) return bytes;
  spdlog::critical(absl::StrCat("a record of ", record.ByteSizeLong(), " bytes cannot be written"));
  std::abort();
}

absl::StatusOr<Tensor> TakeTensor(std::span<const std::byte>& body, DType dtype,
                                  const Shape& shape) {
  const absl::StatusOr<uint64_t> size = ByteSize(dtype, shape);
  if (!size.ok() || *size > body.size()) {
    return DamagedRecord("a tensor is larger than its record");
  }
  absl::StatusOr<Tensor> tensor = TryAllocate(dtype, shape);
  if (!tensor.ok()) return tensor.status();
  if (*size > 0) std::memcpy(tensor->mutable_raw(), body.data(), *size);
  body = body.subspan(*size);
  return tensor;
}

}  // namespace varscope::server
