// A record's header as bytes, and the tensors of its body.
#ifndef VARSCOPE_SERVER_DURABILITY_RECORD_BYTES_H_
#define VARSCOPE_SERVER_DURABILITY_RECORD_BYTES_H_

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "server/durability/frame.h"
#include "server/durability/records.pb.h"

namespace varscope::server {

// DataLoss for a record that no varscoped of this format writes.
absl::Status DamagedRecord(absl::string_view what);

// The header must stay below 2 GiB, above which protobuf writes nothing: who makes a record asks
// for its bound before. Ends the program otherwise, because the record would be lost in silence.
RecordBytes Serialize(const durability::Record& record, std::vector<Tensor> body = {});

// Takes the next tensor off the front of a body. DataLoss when it is not all there,
// ResourceExhausted without memory.
absl::StatusOr<Tensor> TakeTensor(std::span<const std::byte>& body, DType dtype,
                                  const Shape& shape);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_RECORD_BYTES_H_
