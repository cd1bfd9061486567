#include "proto/wire/frame_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "proto/tensor/allocate.h"
#include "proto/tensor/elements.h"

namespace varscope::wire {
namespace {

bool IsEmpty(const v1::FrameHeader& header) {
  return !header.has_push() && !header.has_pull() && header.variables_size() == 0 &&
         header.body_bytes() == 0;
}

std::string Of(const IncomingTensor& tensor) {
  if (tensor.variable.empty()) return "a tensor";
  return absl::StrCat("a tensor of variable ", tensor.variable);
}

absl::Status CheckValues(const IncomingTensor& incoming, const Tensor& tensor) {
  if (AreValid(tensor.dtype(), tensor.bytes())) return absl::OkStatus();
  return Malformed(absl::StrCat(Of(incoming), " has a bool that is neither 0 nor 1"));
}

}  // namespace

absl::Status FrameReader::Announce(std::vector<IncomingTensor> tensors) {
  uint64_t total = 0;
  incoming_.reserve(tensors.size());
  for (IncomingTensor& tensor : tensors) {
    const absl::StatusOr<uint64_t> size = EncodedSize(tensor.encoding, tensor.dtype, tensor.shape);
    if (!size.ok()) {
      return Malformed(absl::StrCat(Of(tensor), ": ", size.status().message()));
    }
    if (__builtin_add_overflow(total, *size, &total)) {
      return Malformed("the tensors' sizes overflow");
    }
    incoming_.push_back({std::move(tensor), *size});
  }
  if (total == total_bytes()) return absl::OkStatus();
  return Malformed(absl::StrCat("its ", incoming_.size(), " tensors have ", total,
                                " bytes, its head announces ", total_bytes()));
}

absl::Status FrameReader::AddHead(Header header) {
  const v1::FrameHeader& head = *head_.emplace(std::move(header));
  absl::StatusOr<std::vector<IncomingTensor>> tensors = take_head_(head);
  if (!tensors.ok()) return tensors.status();
  if (discard_) return absl::OkStatus();
  if (absl::Status status = Announce(*std::move(tensors)); !status.ok()) return status;
  tensors_.resize(incoming_.size());
  finite_ = head.has_push() && !head.push().allow_nonfinite();
  for (size_t i = 0; i < incoming_.size(); ++i) {
    const IncomingTensor& tensor = incoming_[i].tensor;
    if (incoming_[i].size == 0) tensors_[i] = Tensor(tensor.dtype, tensor.shape);
  }
  return absl::OkStatus();
}

absl::Status FrameReader::AddBytes(std::span<const uint8_t> bytes) {
  const Incoming& in = incoming_[current_];
  Tensor& tensor = tensors_[current_];
  const bool encoded = in.tensor.encoding != Encoding::kNone;
  if (!tensor.defined()) {
    absl::StatusOr<Tensor> room =
        encoded ? TryAllocate(DType::kUint8, Shape{static_cast<int64_t>(in.size)})
                : TryAllocate(in.tensor.dtype, in.tensor.shape);
    if (!room.ok()) return room.status();
    tensor = *std::move(room);
  }
  std::memcpy(tensor.mutable_raw() + of_current_, bytes.data(), bytes.size());
  const uint64_t before = of_current_;
  of_current_ += bytes.size();
  if (finite_ && !encoded) {
    // The elements that are whole now, and were not before.
    const size_t size = SizeOf(tensor.dtype());
    const uint64_t from = before / size * size;
    const uint64_t whole = of_current_ / size * size;
    finite_ = AllFinite(tensor.dtype(), tensor.bytes().subspan(from, whole - from));
  }
  return of_current_ == in.size ? EndTensor() : absl::OkStatus();
}

absl::Status FrameReader::EndTensor() {
  const IncomingTensor& in = incoming_[current_].tensor;
  Tensor& tensor = tensors_[current_];
  ++current_;
  of_current_ = 0;
  if (in.encoding == Encoding::kNone) return CheckValues(in, tensor);
  absl::StatusOr<Tensor> decoded = Decode(in.encoding, tensor, in.shape);
  if (!decoded.ok()) return decoded.status();
  finite_ = finite_ && FirstNonFinite(*decoded) < 0;
  tensor = *std::move(decoded);
  return absl::OkStatus();
}

absl::Status FrameReader::AddBody(const Frame& frame) {
  if (frame.body_size > missing_bytes()) {
    return Malformed(absl::StrCat("a body has ", frame.body_size, " bytes, only ", missing_bytes(),
                                  " of ", total_bytes(), " are missing"));
  }
  received_ += frame.body_size;
  if (discard_) return absl::OkStatus();
  for (const grpc::Slice& slice : frame.body) {
    std::span<const uint8_t> bytes(slice.begin(), slice.size());
    while (!bytes.empty()) {
      while (incoming_[current_].size == 0) ++current_;
      const uint64_t missing = incoming_[current_].size - of_current_;
      const std::span<const uint8_t> own = bytes.first(std::min<uint64_t>(bytes.size(), missing));
      bytes = bytes.subspan(own.size());
      if (absl::Status status = AddBytes(own); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status FrameReader::Add(grpc::ByteBuffer& buffer) {
  absl::StatusOr<Frame> frame = Decode(buffer);
  if (!frame.ok()) return frame.status();
  if (!head_) {
    if (absl::Status status = AddHead(std::move(frame->header)); !status.ok()) return status;
  } else if (!IsEmpty(*frame->header)) {
    return Malformed("a second head");
  } else if (frame->body_size == 0) {
    return Malformed("an empty frame");
  }
  if (head().checksums() && !frame->checked) return Malformed("a frame without its checksum");
  return AddBody(*frame);
}

absl::Status FrameReader::Finish() const {
  if (!head_) return Malformed("the stream ended before its head");
  if (complete()) return absl::OkStatus();
  return Malformed(
      absl::StrCat("its tensors have ", total_bytes(), " bytes, only ", received_, " came"));
}

}  // namespace varscope::wire
