// A stream of frames to tensors.
#ifndef VARSCOPE_PROTO_WIRE_FRAME_READER_H_
#define VARSCOPE_PROTO_WIRE_FRAME_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/wire/encoding.h"
#include "proto/wire/flow_control.h"
#include "proto/wire/frame.h"
#include "varscope/tensor.h"

namespace varscope::wire {

// A tensor that is to come.
struct IncomingTensor {
  DType dtype;
  Shape shape;
  Encoding encoding = Encoding::kNone;
  absl::string_view variable;  // whose it is, for errors; outlives the reader. May be empty.
};

// Puts the frames of one request or answer together again. Not thread-safe.
class FrameReader {
 public:
  // Called once with the head, before any memory is taken for tensors. Returns which tensors the
  // bodies hold, in order; an error is Add's.
  using TakeHead =
      std::function<absl::StatusOr<std::vector<IncomingTensor>>(const v1::FrameHeader& head)>;
  explicit FrameReader(TakeHead take_head) : take_head_(std::move(take_head)) {}

  // InvalidArgument, naming the variable where it can, for what does not add up: a second head, a
  // head whose body_bytes are not those of its tensors, more bytes than that, an empty frame, a
  // bool that is neither 0 nor 1, a frame without the checksum that the head promised. DataLoss as
  // Decode. ResourceExhausted without memory.
  absl::Status Add(grpc::ByteBuffer& buffer);

  // Called by TakeHead: what comes is counted, and nothing of it is kept.
  void Discard() { discard_ = true; }

  // What the sender should be told now, when it wants to be told.
  std::optional<uint64_t> DueAcknowledgement() { return window_.Due(received_, total_bytes()); }

  bool has_head() const { return head_.has_value(); }
  // Whether the head and every tensor have come.
  bool complete() const { return head_ && received_ == total_bytes(); }
  // Of all tensors, as they travel.
  uint64_t total_bytes() const { return head().body_bytes(); }
  // Of all tensors, what has not come yet.
  uint64_t missing_bytes() const { return total_bytes() - received_; }
  // OK when complete; else InvalidArgument says what is missing.
  absl::Status Finish() const;

  const v1::FrameHeader& head() const {
    return head_ ? **head_ : v1::FrameHeader::default_instance();
  }
  // As TakeHead announced them, decoded.
  std::vector<Tensor>& tensors() { return tensors_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }
  // Once complete: of a push that may have no NaN and no infinity, whether it has none. It is seen
  // while the bytes are in the cache.
  bool finite() const { return finite_; }

 private:
  struct Incoming {
    IncomingTensor tensor;
    uint64_t size;  // as it travels
  };

  absl::Status AddHead(Header header);
  absl::Status Announce(std::vector<IncomingTensor> tensors);
  absl::Status AddBody(const Frame& frame);
  // Bytes of the tensor that is being received, no more than are missing.
  absl::Status AddBytes(std::span<const uint8_t> bytes);
  absl::Status EndTensor();

  TakeHead take_head_;
  std::optional<Header> head_;
  std::vector<Incoming> incoming_;
  std::vector<Tensor> tensors_;  // by incoming_
  size_t current_ = 0;           // tensor
  uint64_t received_ = 0;        // of all tensors
  uint64_t of_current_ = 0;      // of the current one
  ReceiveWindow window_;
  bool finite_ = false;
  bool discard_ = false;
};

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_FRAME_READER_H_
