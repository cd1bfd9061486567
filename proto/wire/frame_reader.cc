#include "proto/wire/frame_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/core/allocate.h"
#include "proto/core/names.h"
#include "proto/wire/convert.h"

namespace varscope::wire {

absl::Status FrameReader::AddSpec(const v1::TensorSpec& spec) {
  const auto malformed = [&](const absl::Status& status) {
    return Malformed(absl::StrCat("tensor '", Printable(spec.name()), "': ", status.message()));
  };
  const absl::StatusOr<DType> dtype = FromProto(spec.dtype());
  if (!dtype.ok()) return malformed(dtype.status());
  absl::StatusOr<Shape> shape = FromProto(spec.shape());
  if (!shape.ok()) return malformed(shape.status());
  const auto encoding = static_cast<Encoding>(spec.encoding());
  const absl::StatusOr<uint64_t> bytes = EncodedSize(encoding, *dtype, *shape);
  if (!bytes.ok()) return malformed(bytes.status());
  incoming_.push_back({*dtype, *std::move(shape), encoding, spec.unchanged() ? 0 : *bytes});
  const uint64_t size = incoming_.back().size;
  if (size > 0) ++missing_;
  if (__builtin_add_overflow(total_, size, &total_)) {
    return Malformed("the tensors' sizes overflow");
  }
  return absl::OkStatus();
}

absl::Status FrameReader::AddHead(Header header) {
  const v1::FrameHeader& head = *head_.emplace(std::move(header));
  for (const v1::TensorSpec& spec : head.tensors()) {
    if (absl::Status status = AddSpec(spec); !status.ok()) return status;
  }
  tensors_.resize(incoming_.size());
  finite_ = head.has_push() && !head.push().allow_nonfinite();
  if (absl::Status status = check_head_(head); !status.ok()) return status;
  if (discard_) return absl::OkStatus();
  for (size_t i = 0; i < incoming_.size(); ++i) {
    const Incoming& in = incoming_[i];
    if (in.size == 0 && !head.tensors(static_cast<int>(i)).unchanged()) {
      tensors_[i] = Tensor(in.dtype, in.shape);
    }
  }
  return absl::OkStatus();
}

absl::Status FrameReader::AddChunk(const v1::Chunk& chunk, Frame& frame) {
  if (chunk.tensor() >= incoming_.size()) {
    return Malformed(
        absl::StrCat("a chunk is of tensor ", chunk.tensor(), " of ", incoming_.size()));
  }
  const size_t index = chunk.tensor();
  Incoming& in = incoming_[index];
  if (chunk.offset() != in.received || chunk.length() > in.size - in.received) {
    return Malformed(absl::StrCat("tensor '", NameOf(index), "' has ", in.size,
                                  " bytes, a chunk covers ", chunk.length(), " from ",
                                  chunk.offset(), " when ", in.received, " have come"));
  }
  if (discard_) {
    in.received += chunk.length();
    total_received_ += chunk.length();
    if (chunk.length() > 0 && in.received == in.size) --missing_;
    return absl::OkStatus();
  }
  if (!tensors_[index].defined()) {
    const bool encoded = in.encoding != Encoding::kNone;
    absl::StatusOr<Tensor> tensor =
        encoded ? TryAllocate(DType::kUint8, Shape{static_cast<int64_t>(in.size)})
                : TryAllocate(in.dtype, in.shape);
    if (!tensor.ok()) return tensor.status();
    tensors_[index] = *std::move(tensor);
  }
  std::byte* to = tensors_[index].mutable_raw() + chunk.offset();
  for (uint64_t left = chunk.length(); left > 0;) {
    const grpc::Slice& slice = frame.body[slice_];
    const size_t n = std::min<uint64_t>(left, slice.size() - slice_offset_);
    std::memcpy(to, slice.begin() + slice_offset_, n);
    to += n;
    left -= n;
    in.received += n;
    total_received_ += n;
    LookAtNew(index, in.received - n);
    slice_offset_ += n;
    if (slice_offset_ == slice.size()) {
      ++slice_;
      slice_offset_ = 0;
    }
  }
  if (chunk.length() == 0 || in.received < in.size) return absl::OkStatus();
  --missing_;
  return EndTensor(index);
}

void FrameReader::LookAtNew(size_t index, uint64_t before) {
  const Tensor& tensor = tensors_[index];
  if (!finite_ || tensor.dtype() == DType::kUint8) return;
  const size_t size = SizeOf(tensor.dtype());
  const uint64_t from = before / size * size;
  const uint64_t whole = incoming_[index].received / size * size;
  finite_ = AllFinite(tensor.dtype(), tensor.bytes().subspan(from, whole - from));
}

absl::Status FrameReader::EndTensor(size_t index) {
  const Incoming& in = incoming_[index];
  if (in.encoding == Encoding::kNone) return CheckValues(index);
  absl::StatusOr<Tensor> decoded = Decode(in.encoding, tensors_[index], in.shape);
  if (!decoded.ok()) return decoded.status();
  finite_ = finite_ && FirstNonFinite(*decoded) < 0;
  tensors_[index] = *std::move(decoded);
  return absl::OkStatus();
}

std::string FrameReader::NameOf(size_t index) const {
  return Printable(head().tensors(static_cast<int>(index)).name());
}

absl::Status FrameReader::CheckValues(size_t index) const {
  const Tensor& tensor = tensors_[index];
  if (tensor.dtype() != DType::kBool) return absl::OkStatus();
  const auto* const bytes = reinterpret_cast<const uint8_t*>(tensor.raw());
  if (std::all_of(bytes, bytes + tensor.byte_size(), [](uint8_t b) { return b <= 1; })) {
    return absl::OkStatus();
  }
  return Malformed(absl::StrCat("tensor '", NameOf(index), "' has a bool that is neither 0 nor 1"));
}

absl::Status FrameReader::Add(grpc::ByteBuffer& buffer) {
  absl::StatusOr<Frame> decoded = Decode(buffer);
  if (!decoded.ok()) return decoded.status();
  Frame& frame = *decoded;
  const v1::FrameHeader& header = *frame.header;
  uint64_t covered = 0;
  for (const v1::Chunk& chunk : header.chunks()) {
    if (__builtin_add_overflow(covered, chunk.length(), &covered)) {
      return Malformed("the chunks' lengths overflow");
    }
  }
  if (covered != frame.body_size) {
    return Malformed(
        absl::StrCat("the body has ", frame.body_size, " bytes, its chunks cover ", covered));
  }
  if (!head_) {
    if (absl::Status status = AddHead(std::move(frame.header)); !status.ok()) return status;
  } else if (header.tensors_size() > 0 || header.has_push() || header.has_pull()) {
    return Malformed("a second head");
  }
  if (head().checksums() && !frame.checked) return Malformed("a frame without its checksum");
  slice_ = 0;
  slice_offset_ = 0;
  for (const v1::Chunk& chunk : header.chunks()) {
    if (absl::Status status = AddChunk(chunk, frame); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::optional<uint64_t> FrameReader::DueAcknowledgement() {
  return window_.Due(total_received_, total_);
}

absl::Status FrameReader::Finish() const {
  if (!head_) return Malformed("the stream ended before its head");
  for (size_t i = 0; i < incoming_.size(); ++i) {
    const Incoming& in = incoming_[i];
    if (in.received == in.size) continue;
    return Malformed(absl::StrCat("tensor '", NameOf(i), "' has ", in.size, " bytes, only ",
                                  in.received, " came"));
  }
  return absl::OkStatus();
}

}  // namespace varscope::wire
