#include "proto/wire/frame.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>

#include "absl/strings/str_cat.h"
#include "proto/core/advice.h"
#include "proto/core/crc32c.h"
#include "proto/core/names.h"
#include "proto/wire/convert.h"
#include "proto/wire/encoding.h"

namespace varscope::wire {
namespace {

using google::protobuf::io::CodedOutputStream;

// Field number << 3 | wire type 2, as protobuf encodes length-delimited fields.
constexpr uint32_t kHeaderTag = v1::TensorFrame::kHeaderFieldNumber << 3 | 2;
constexpr uint32_t kBodyTag = v1::TensorFrame::kBodyFieldNumber << 3 | 2;
// Wire type 5: four bytes.
constexpr uint32_t kChecksumTag = v1::TensorFrame::kChecksumFieldNumber << 3 | 5;

constexpr std::chrono::milliseconds kSendAgain{20};

// Measured with tests/bench: steps of many variables of 1 to 4 KiB.
constexpr size_t kCopiedBytes = 4096;

std::span<const std::byte> Bytes(const grpc::Slice& slice) {
  return {reinterpret_cast<const std::byte*>(slice.begin()), slice.size()};
}

uint32_t Checksum(const std::vector<grpc::Slice>& slices, uint32_t before = 0) {
  for (const grpc::Slice& slice : slices) before = Crc32c(Bytes(slice), before);
  return before;
}

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed tensor frame: ", what));
}

absl::Status Damaged() {
  return AdviseRetry(
      absl::DataLossError("a tensor frame was damaged on its way: its checksum differs"),
      kSendAgain);
}

// Reads across slices without joining them.
class Cursor {
 public:
  explicit Cursor(const std::vector<grpc::Slice>& slices) : slices_(slices) { SkipEmpty(); }

  bool AtEnd() const { return index_ == slices_.size(); }

  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !AtEnd(); shift += 7) {
      const uint8_t byte = slices_[index_].begin()[offset_];
      Advance(1);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
  }

  std::optional<uint32_t> Fixed32() {
    uint32_t value = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      if (AtEnd()) return std::nullopt;
      value |= uint32_t{slices_[index_].begin()[offset_]} << shift;
      Advance(1);
    }
    return value;
  }

  // The next `length` bytes as sub-slices; false when there are fewer.
  bool Take(uint64_t length, std::vector<grpc::Slice>* out) {
    while (length > 0) {
      if (AtEnd()) return false;
      const size_t n = std::min<uint64_t>(length, slices_[index_].size() - offset_);
      out->push_back(slices_[index_].sub(offset_, offset_ + n));
      Advance(n);
      length -= n;
    }
    return true;
  }

 private:
  void Advance(size_t n) {
    offset_ += n;
    SkipEmpty();
  }
  void SkipEmpty() {
    while (index_ < slices_.size() && offset_ == slices_[index_].size()) {
      ++index_;
      offset_ = 0;
    }
  }
  const std::vector<grpc::Slice>& slices_;
  size_t index_ = 0;
  size_t offset_ = 0;
};

// Slices in order. What is small is copied beside its neighbours, which costs less than a slice.
class Body {
 public:
  void Add(const Tensor& tensor, size_t offset, size_t length) {
    if (length <= kCopiedBytes) {
      copied_.append(reinterpret_cast<const char*>(tensor.raw()) + offset, length);
      return;
    }
    EndCopied();
    slices_.push_back(ShareBytes(tensor, offset, length));
  }
  std::vector<grpc::Slice> slices() && {
    EndCopied();
    return std::move(slices_);
  }

 private:
  void EndCopied() {
    if (copied_.empty()) return;
    auto* const owner = new std::string(std::exchange(copied_, {}));
    slices_.emplace_back(
        owner->data(), owner->size(), [](void* p) { delete static_cast<std::string*>(p); }, owner);
  }

  std::vector<grpc::Slice> slices_;
  std::string copied_;
};

uint64_t TotalBytes(const std::vector<Tensor>& tensors) {
  uint64_t total = 0;
  for (const Tensor& tensor : tensors) total += tensor.defined() ? tensor.byte_size() : 0;
  return total;
}

bool ParseHeader(const std::vector<grpc::Slice>& slices, v1::FrameHeader* header) {
  if (slices.size() == 1) {
    return header->ParseFromArray(slices[0].begin(), static_cast<int>(slices[0].size()));
  }
  std::string joined;
  for (const grpc::Slice& s : slices) {
    joined.append(reinterpret_cast<const char*>(s.begin()), s.size());
  }
  return header->ParseFromString(joined);
}

// The header is the parts' merged, as protobuf merges what is written one after the other.
grpc::ByteBuffer EncodeParts(std::initializer_list<const v1::FrameHeader*> parts,
                             const std::vector<grpc::Slice>& body, bool checksum) {
  size_t body_size = 0;
  for (const grpc::Slice& s : body) body_size += s.size();
  size_t header_size = 0;
  for (const v1::FrameHeader* part : parts) header_size += part->ByteSizeLong();

  // Three tags of one byte, two lengths and the checksum.
  std::string prefix(3 + 10 + header_size + 4 + 10, '\0');
  auto* const begin = reinterpret_cast<uint8_t*>(prefix.data());
  uint8_t* p = CodedOutputStream::WriteTagToArray(kHeaderTag, begin);
  p = CodedOutputStream::WriteVarint64ToArray(header_size, p);
  uint8_t* const header_begin = p;
  for (const v1::FrameHeader* part : parts) p = part->SerializeWithCachedSizesToArray(p);
  if (checksum) {
    const uint32_t crc = Crc32c(std::as_bytes(std::span(header_begin, header_size)));
    p = CodedOutputStream::WriteTagToArray(kChecksumTag, p);
    p = CodedOutputStream::WriteLittleEndian32ToArray(Checksum(body, crc), p);
  }
  if (body_size > 0) {
    p = CodedOutputStream::WriteTagToArray(kBodyTag, p);
    p = CodedOutputStream::WriteVarint64ToArray(body_size, p);
  }
  prefix.resize(p - begin);

  std::vector<grpc::Slice> slices;
  slices.reserve(body.size() + 1);
  slices.emplace_back(prefix);
  slices.insert(slices.end(), body.begin(), body.end());
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace

grpc::Slice ShareBytes(const Tensor& tensor, size_t offset, size_t length) {
  auto* const owner = new BlockRef(tensor.block());
  return grpc::Slice((*owner)->data() + offset, length,
                     [](void* p) { delete static_cast<BlockRef*>(p); }, owner);
}

grpc::ByteBuffer Encode(const v1::FrameHeader& header, const std::vector<grpc::Slice>& body,
                        bool checksum) {
  return EncodeParts({&header}, body, checksum);
}

absl::StatusOr<Frame> Decode(grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return Malformed("not readable");
  Frame frame;
  std::optional<std::vector<grpc::Slice>> header;
  std::optional<uint32_t> checksum;
  Cursor cursor(slices);
  while (!cursor.AtEnd()) {
    const std::optional<uint64_t> tag = cursor.Varint();
    if (tag == kChecksumTag && !checksum) {
      checksum = cursor.Fixed32();
      if (!checksum) return Malformed("the checksum is cut short");
      continue;
    }
    const std::optional<uint64_t> length = cursor.Varint();
    if (!tag || !length) return Malformed("a field is cut short");
    if (*tag == kHeaderTag && !header) {
      if (*length > kMaxHeaderBytes) return Malformed("the header is too large");
      if (!cursor.Take(*length, &header.emplace())) return Malformed("the header is cut short");
    } else if (*tag == kBodyTag && frame.body_size == 0) {
      if (!cursor.Take(*length, &frame.body)) return Malformed("the body is cut short");
      frame.body_size = *length;
    } else {
      return Malformed("an unexpected field");
    }
  }
  frame.checked = checksum.has_value();
  if (checksum) {
    const uint32_t crc = header ? Checksum(*header) : 0;
    if (Checksum(frame.body, crc) != *checksum) return Damaged();
  }
  if (header && !ParseHeader(*header, &*frame.header))
    return Malformed("the header does not parse");
  return frame;
}

FrameWriter::FrameWriter(const v1::FrameHeader& head, std::vector<Tensor> tensors,
                         const FrameOptions& options)
    : head_(&head),
      tensors_(std::move(tensors)),
      options_(options),
      window_(TotalBytes(tensors_)) {}

std::vector<grpc::Slice> FrameWriter::NextBody() {
  Body body;
  size_t room = options_.body_bytes;
  while (room > 0 && tensor_ < tensors_.size()) {
    const Tensor& tensor = tensors_[tensor_];
    const size_t size = tensor.defined() ? tensor.byte_size() : 0;
    if (offset_ == size) {
      ++tensor_;
      offset_ = 0;
      continue;
    }
    const size_t length = std::min(room, size - offset_);
    v1::Chunk* const chunk = chunks_.add_chunks();
    chunk->set_tensor(static_cast<uint32_t>(tensor_));
    chunk->set_offset(offset_);
    chunk->set_length(length);
    body.Add(tensor, offset_, length);
    offset_ += length;
    room -= length;
  }
  return std::move(body).slices();
}

std::optional<grpc::ByteBuffer> FrameWriter::Next() {
  chunks_.Clear();
  const std::vector<grpc::Slice> body = NextBody();
  for (const grpc::Slice& slice : body) window_.Sent(slice.size());
  if (head_ == nullptr) {
    if (body.empty()) return std::nullopt;
    return Encode(chunks_, body, options_.checksums);
  }
  chunks_.set_checksums(options_.checksums);
  chunks_.set_flow_control(options_.flow_control);
  return EncodeParts({std::exchange(head_, nullptr), &chunks_}, body, options_.checksums);
}

bool FrameWriter::must_wait() const { return options_.flow_control && window_.full(); }

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
  if (!tensors_[index].defined()) {
    const bool encoded = in.encoding != Encoding::kNone;
    absl::StatusOr<Tensor> tensor =
        encoded ? Tensor::TryAllocate(DType::kUint8, Shape{static_cast<int64_t>(in.size)})
                : Tensor::TryAllocate(in.dtype, in.shape);
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
