// A stream of frames to tensors.
#ifndef VARSCOPE_PROTO_WIRE_FRAME_READER_H_
#define VARSCOPE_PROTO_WIRE_FRAME_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "proto/wire/encoding.h"
#include "proto/wire/flow_control.h"
#include "proto/wire/frame.h"
#include "varscope/tensor.h"

namespace varscope::wire {

// Puts a stream of frames together again. Not thread-safe.
class FrameReader {
 public:
  // Called once with the head, before any memory is taken for tensors; its error is Add's.
  using CheckHead = std::function<absl::Status(const v1::FrameHeader& head)>;
  explicit FrameReader(CheckHead check_head) : check_head_(std::move(check_head)) {}

  // InvalidArgument, naming the tensor, for anything that does not add up: a second head, a chunk
  // out of order or beyond its tensor, a body shorter or longer than its chunks, a bool that is
  // neither 0 nor 1, a frame without the checksum that the head promised. DataLoss as Decode.
  // ResourceExhausted without memory.
  absl::Status Add(grpc::ByteBuffer& buffer);

  // From the head's check on: what comes is counted, and nothing of it is kept.
  void Discard() { discard_ = true; }

  // What the sender should be told now, when it wants to be told.
  std::optional<uint64_t> DueAcknowledgement();

  bool has_head() const { return head_.has_value(); }
  // Whether the head and every tensor have come.
  bool complete() const { return head_ && missing_ == 0; }
  // Of all tensors, as they travel.
  uint64_t total_bytes() const { return total_; }
  // Of all tensors, what has not come yet.
  uint64_t missing_bytes() const { return total_ - total_received_; }
  // OK when complete; else InvalidArgument names the first tensor that is short.
  absl::Status Finish() const;

  const v1::FrameHeader& head() const {
    return head_ ? **head_ : v1::FrameHeader::default_instance();
  }
  // By TensorSpec, decoded; an unchanged one is undefined.
  std::vector<Tensor>& tensors() { return tensors_; }
  // Once complete: of a push that may have no NaN and no infinity, whether it has none. It is seen
  // while the bytes are in the cache.
  bool finite() const { return finite_; }

 private:
  absl::Status AddHead(Header header);
  // What the head says of one tensor.
  absl::Status AddSpec(const v1::TensorSpec& spec);
  absl::Status AddChunk(const v1::Chunk& chunk, Frame& frame);
  // The elements of a tensor that are whole now and were not when `before` bytes had come.
  void LookAtNew(size_t index, uint64_t before);
  absl::Status EndTensor(size_t index);
  absl::Status CheckValues(size_t index) const;
  std::string NameOf(size_t index) const;

  CheckHead check_head_;
  std::optional<Header> head_;
  struct Incoming {
    DType dtype;
    Shape shape;
    Encoding encoding;
    uint64_t size;  // as it travels
    uint64_t received = 0;
  };
  std::vector<Incoming> incoming_;  // by TensorSpec
  uint64_t total_ = 0;              // of all sizes
  uint64_t total_received_ = 0;     // of all tensors
  ReceiveWindow window_;
  size_t missing_ = 0;  // tensors that are not whole
  std::vector<Tensor> tensors_;
  bool finite_ = false;
  bool discard_ = false;
  size_t slice_ = 0;  // reading position in the present frame's body
  size_t slice_offset_ = 0;
};

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_FRAME_READER_H_
