// TensorFrame to and from gRPC byte buffers. Tensor bytes are never copied into a protobuf field:
// an encoded frame refers to the tensors' own blocks, a decoded one to the slices that arrived.
// The encoding is exactly protobuf's for varscope.v1.TensorFrame.
#ifndef VARSCOPE_PROTO_WIRE_FRAME_H_
#define VARSCOPE_PROTO_WIRE_FRAME_H_

#include <google/protobuf/arena.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/core/tensor.h"
#include "proto/wire/encoding.h"
#include "proto/wire/flow_control.h"
#include "varscope/v1/varscope.pb.h"

namespace varscope::wire {

// What a frame's body holds over gRPC, so that a stream is flow-controlled in such steps. What
// arrives is still in a core's own cache (1 to 2 MiB) when it is checked and copied.
inline constexpr size_t kFrameBodyBytes = size_t{512} << 10;
inline constexpr size_t kMaxHeaderBytes = size_t{16} << 20;

// How a sender cuts its tensors.
struct FrameOptions {
  size_t body_bytes = kFrameBodyBytes;  // at most, in one frame
  bool checksums = false;
  bool flow_control = false;
};

// A header and all that it holds in one arena, because one of thousands of tensors has tens of
// thousands of parts.
class Header {
 public:
  Header()
      : arena_(std::make_unique<google::protobuf::Arena>()),
        message_(google::protobuf::Arena::CreateMessage<v1::FrameHeader>(arena_.get())) {}

  v1::FrameHeader& operator*() const { return *message_; }
  v1::FrameHeader* operator->() const { return message_; }

 private:
  std::unique_ptr<google::protobuf::Arena> arena_;
  v1::FrameHeader* message_;  // in the arena
};

struct Frame {
  Header header;
  bool checked = false;           // it had a checksum, which agrees
  std::vector<grpc::Slice> body;  // in order
  size_t body_size = 0;
};

// A slice of the tensor's own memory, which it keeps alive.
grpc::Slice ShareBytes(const Tensor& tensor, size_t offset, size_t length);

grpc::ByteBuffer Encode(const v1::FrameHeader& header, const std::vector<grpc::Slice>& body,
                        bool checksum = false);

// InvalidArgument for bytes that are not a TensorFrame, or a header above kMaxHeaderBytes;
// DataLoss, with the advice to send again, when the checksum says that bytes have changed on their
// way.
absl::StatusOr<Frame> Decode(grpc::ByteBuffer& buffer);

// Cuts tensors into frames. Small tensors share a frame, large ones take several. The tensors are
// pinned until the last frame that refers to them is gone. Not thread-safe.
class FrameWriter {
 public:
  // `head` has one TensorSpec for each tensor; an undefined tensor has no bytes (unchanged), an
  // encoded one is what Encode made. It must outlive the first call of Next.
  FrameWriter(const v1::FrameHeader& head, std::vector<Tensor> tensors,
              const FrameOptions& options = {});

  // The next frame, or nothing after the last. The first call always gives one.
  std::optional<grpc::ByteBuffer> Next();
  // Whether the next frame has to wait until the receiver has acknowledged some.
  bool must_wait() const;
  void Acknowledged(uint64_t received) { window_.Acknowledged(received); }

 private:
  // And its chunks.
  std::vector<grpc::Slice> NextBody();

  const v1::FrameHeader* head_;  // until it has been sent
  v1::FrameHeader chunks_;       // of one frame after the other
  std::vector<Tensor> tensors_;
  const FrameOptions options_;
  SendWindow window_;
  size_t tensor_ = 0;
  size_t offset_ = 0;
};

// Puts a stream of frames together again. Not thread-safe.
class FrameReader {
 public:
  // Called once with the head, before any memory is taken for tensors; its error ends the stream.
  using CheckHead = std::function<absl::Status(const v1::FrameHeader& head)>;
  explicit FrameReader(CheckHead check_head) : check_head_(std::move(check_head)) {}

  // InvalidArgument, naming the tensor, for anything that does not add up: a second head, a chunk
  // out of order or beyond its tensor, a body shorter or longer than its chunks, a bool that is
  // neither 0 nor 1, a frame without the checksum that the head promised. DataLoss as Decode.
  // ResourceExhausted without memory.
  absl::Status Add(grpc::ByteBuffer& buffer);

  // What the sender should be told now, when it wants to be told.
  std::optional<uint64_t> DueAcknowledgement();

  // Whether the head and every tensor have come.
  bool complete() const { return head_ && missing_ == 0; }
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
  size_t slice_ = 0;  // reading position in the present frame's body
  size_t slice_offset_ = 0;
};

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_FRAME_H_
