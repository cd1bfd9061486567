// Tensors to a stream of frames.
#ifndef VARSCOPE_PROTO_WIRE_FRAME_WRITER_H_
#define VARSCOPE_PROTO_WIRE_FRAME_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/wire/flow_control.h"
#include "proto/wire/frame.h"
#include "varscope/tensor.h"

namespace varscope::wire {

// How a sender splits its tensors.
struct FrameOptions {
  size_t body_bytes = kFrameBodyBytes;  // at most, in one frame
  bool checksums = false;
  bool flow_control = false;
};

// Splits tensors into frames. Small tensors share a frame, and are copied into it; large ones take
// several, which pin them until the last is gone. Not thread-safe.
class FrameWriter {
 public:
  // An undefined tensor has no bytes, an encoded one is what Encode made. The writer adds to what
  // `head` says how many bytes they have together, and the options. `head` must outlive the first
  // call of Next.
  FrameWriter(const v1::FrameHeader& head, std::vector<Tensor> tensors,
              const FrameOptions& options = {});

  // The next frame, or nothing after the last. The first call always gives one.
  std::optional<grpc::ByteBuffer> Next();
  // Whether the next frame has to wait until the receiver has acknowledged some.
  bool must_wait() const;
  void Acknowledged(uint64_t received) { window_.Acknowledged(received); }
  // Of all tensors.
  uint64_t total_bytes() const { return total_; }

 private:
  std::vector<grpc::Slice> NextBody();

  const v1::FrameHeader* head_;  // until it has been sent
  std::vector<Tensor> tensors_;
  const FrameOptions options_;
  const uint64_t total_;  // bytes
  SendWindow window_;
  size_t tensor_ = 0;
  size_t offset_ = 0;
};

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_FRAME_WRITER_H_
