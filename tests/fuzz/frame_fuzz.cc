// Fuzzes the decoder of tensor frames: a stream of frames, each a length (two bytes) and bytes.
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "proto/wire/convert.h"
#include "proto/wire/frame_reader.h"

namespace {

using varscope::DType;
using varscope::Shape;
using varscope::wire::IncomingTensor;

// As many tensors as the head names variables, of the sizes that it says; a push may be this large
// here, so that no input takes more memory than that.
constexpr int64_t kMaxElements = 1 << 16;

absl::StatusOr<std::vector<IncomingTensor>> Announce(const varscope::v1::FrameHeader& head) {
  std::vector<IncomingTensor> tensors;
  for (const varscope::v1::NamedVariable& variable : head.variables()) {
    const auto dtype = varscope::wire::FromProto(variable.dtype());
    if (!dtype.ok()) return dtype.status();
    const auto encoding = static_cast<varscope::wire::Encoding>(variable.slots_size() % 5);
    const int64_t elements = variable.shape().dims_size() > 0 ? variable.shape().dims(0) : 1;
    if (elements < 0 || elements > kMaxElements) return absl::ResourceExhaustedError("too large");
    tensors.push_back({*dtype, Shape{elements}, encoding, variable.name()});
  }
  if (tensors.size() > 16) return absl::ResourceExhaustedError("too many");
  return tensors;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varscope::wire::FrameReader reader(Announce);
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
