// Fuzzes the decoder of tensor frames: a stream of frames, each a length (two bytes) and bytes.
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "proto/wire/frame_reader.h"

namespace {

// A push may be this large here, so that no input takes more memory than that.
constexpr uint64_t kMaxBytes = 1 << 20;

absl::Status CheckSizes(const varscope::v1::FrameHeader& head) {
  uint64_t total = 0;
  for (const varscope::v1::TensorSpec& spec : head.tensors()) {
    uint64_t elements = 1;
    for (int64_t dim : spec.shape().dims()) {
      if (dim > static_cast<int64_t>(kMaxBytes)) return absl::ResourceExhaustedError("too large");
      elements *= static_cast<uint64_t>(dim < 0 ? 0 : dim);
      if (elements > kMaxBytes) return absl::ResourceExhaustedError("too large");
    }
    total += elements * 8;
    if (total > kMaxBytes) return absl::ResourceExhaustedError("too large");
  }
  return absl::OkStatus();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varscope::wire::FrameReader reader(CheckSizes);
  while (size >= 2) {
    const size_t length = std::min<size_t>(data[0] | data[1] << 8, size - 2);
    data += 2;
    size -= 2;
    // In two slices, as a network may cut it.
    const grpc::Slice slices[2] = {grpc::Slice(data, length / 2),
                                   grpc::Slice(data + length / 2, length - length / 2)};
    grpc::ByteBuffer buffer(slices, 2);
    if (!reader.Add(buffer).ok()) return 0;
    data += length;
    size -= length;
  }
  if (reader.Finish().ok()) {
    for (const varscope::Tensor& tensor : reader.tensors()) {
      if (tensor.defined()) FirstNonFinite(tensor);
    }
  }
  return 0;
}
