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

Encoding EncodingOf(const v1::TensorSpec& spec) { return static_cast<Encoding>(spec.encoding()); }

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

}  // namespace

grpc::Slice ShareBytes(const Tensor& tensor, size_t offset, size_t length) {
  auto* const owner = new BlockRef(tensor.block());
  return grpc::Slice((*owner)->data() + offset, length,
                     [](void* p) { delete static_cast<BlockRef*>(p); }, owner);
}

grpc::ByteBuffer Encode(const v1::FrameHeader& header, const std::vector<grpc::Slice>& body,
                        bool checksum) {
  size_t body_size = 0;
  for (const grpc::Slice& s : body) body_size += s.size();
  const size_t header_size = header.ByteSizeLong();

  // Three tags of one byte, two lengths and the checksum.
  std::string prefix(3 + 10 + header_size + 4 + 10, '\0');
  auto* const begin = reinterpret_cast<uint8_t*>(prefix.data());
  uint8_t* p = CodedOutputStream::WriteTagToArray(kHeaderTag, begin);
  p = CodedOutputStream::WriteVarint64ToArray(header_size, p);
  uint8_t* const header_begin = p;
  p = header.SerializeWithCachedSizesToArray(p);
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
  if (header && !ParseHeader(*header, &frame.header)) return Malformed("the header does not parse");
  return frame;
}

FrameWriter::FrameWriter(v1::FrameHeader head, std::vector<Tensor> tensors,
                         const FrameOptions& options)
    : header_(std::move(head)),
      tensors_(std::move(tensors)),
      options_(options),
      window_(TotalBytes(tensors_)) {
  header_.set_checksums(options.checksums);
  header_.set_flow_control(options.flow_control);
}

std::optional<grpc::ByteBuffer> FrameWriter::Next() {
  std::vector<grpc::Slice> body;
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
    v1::Chunk* const chunk = header_.add_chunks();
    chunk->set_tensor(static_cast<uint32_t>(tensor_));
    chunk->set_offset(offset_);
    chunk->set_length(length);
    body.push_back(ShareBytes(tensor, offset_, length));
    offset_ += length;
    room -= length;
  }
  if (!first_ && body.empty()) return std::nullopt;
  first_ = false;
  grpc::ByteBuffer frame = Encode(header_, body, options_.checksums);
  header_.Clear();
  for (const grpc::Slice& slice : body) window_.Sent(slice.size());
  return frame;
}

bool FrameWriter::must_wait() const { return options_.flow_control && window_.full(); }

absl::Status FrameReader::AddHead(v1::FrameHeader header) {
  has_head_ = true;
  head_ = std::move(header);
  const size_t count = head_.tensors_size();
  for (const v1::TensorSpec& spec : head_.tensors()) {
    absl::StatusOr<DType> dtype = FromProto(spec.dtype());
    if (!dtype.ok()) {
      return Malformed(
          absl::StrCat("tensor '", Printable(spec.name()), "': ", dtype.status().message()));
    }
    absl::StatusOr<Shape> shape = FromProto(spec.shape());
    const absl::StatusOr<uint64_t> bytes = shape.ok()
                                               ? EncodedSize(EncodingOf(spec), *dtype, *shape)
                                               : absl::StatusOr<uint64_t>(shape.status());
    if (!bytes.ok()) {
      return Malformed(
          absl::StrCat("tensor '", Printable(spec.name()), "': ", bytes.status().message()));
    }
    sizes_.push_back(spec.unchanged() ? 0 : *bytes);
    if (sizes_.back() > 0) ++missing_;
    if (__builtin_add_overflow(total_, sizes_.back(), &total_)) {
      return Malformed("the tensors' sizes overflow");
    }
  }
  received_.assign(count, 0);
  tensors_.resize(count);
  finite_ = head_.has_push() && !head_.push().allow_nonfinite();
  if (absl::Status status = check_head_(head_); !status.ok()) return status;
  for (size_t i = 0; i < count; ++i) {
    const v1::TensorSpec& spec = head_.tensors(static_cast<int>(i));
    if (sizes_[i] == 0 && !spec.unchanged()) {
      tensors_[i] = Tensor(*FromProto(spec.dtype()), *FromProto(spec.shape()));
    }
  }
  return absl::OkStatus();
}

absl::Status FrameReader::AddChunk(const v1::Chunk& chunk, Frame& frame) {
  if (chunk.tensor() >= sizes_.size()) {
    return Malformed(absl::StrCat("a chunk is of tensor ", chunk.tensor(), " of ", sizes_.size()));
  }
  const size_t index = chunk.tensor();
  const v1::TensorSpec& spec = head_.tensors(static_cast<int>(index));
  if (chunk.offset() != received_[index] || chunk.length() > sizes_[index] - received_[index]) {
    return Malformed(absl::StrCat("tensor '", Printable(spec.name()), "' has ", sizes_[index],
                                  " bytes, a chunk covers ", chunk.length(), " from ",
                                  chunk.offset(), " when ", received_[index], " have come"));
  }
  if (!tensors_[index].defined()) {
    const bool encoded = EncodingOf(spec) != Encoding::kNone;
    absl::StatusOr<Tensor> tensor =
        encoded ? Tensor::TryAllocate(DType::kUint8, Shape{static_cast<int64_t>(sizes_[index])})
                : Tensor::TryAllocate(*FromProto(spec.dtype()), *FromProto(spec.shape()));
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
    received_[index] += n;
    total_received_ += n;
    LookAtNew(index, received_[index] - n);
    slice_offset_ += n;
    if (slice_offset_ == slice.size()) {
      ++slice_;
      slice_offset_ = 0;
    }
  }
  if (chunk.length() == 0 || received_[index] < sizes_[index]) return absl::OkStatus();
  --missing_;
  return EndTensor(index);
}

void FrameReader::LookAtNew(size_t index, uint64_t before) {
  const Tensor& tensor = tensors_[index];
  if (!finite_ || tensor.dtype() == DType::kUint8) return;
  const size_t size = SizeOf(tensor.dtype());
  const uint64_t from = before / size * size;
  const uint64_t whole = received_[index] / size * size;
  finite_ = AllFinite(tensor.dtype(), tensor.bytes().subspan(from, whole - from));
}

absl::Status FrameReader::EndTensor(size_t index) {
  const v1::TensorSpec& spec = head_.tensors(static_cast<int>(index));
  const Encoding encoding = EncodingOf(spec);
  if (encoding == Encoding::kNone) return CheckValues(index);
  absl::StatusOr<Tensor> decoded = Decode(encoding, tensors_[index], *FromProto(spec.shape()));
  if (!decoded.ok()) return decoded.status();
  finite_ = finite_ && FirstNonFinite(*decoded) < 0;
  tensors_[index] = *std::move(decoded);
  return absl::OkStatus();
}

absl::Status FrameReader::CheckValues(size_t index) const {
  const Tensor& tensor = tensors_[index];
  if (tensor.dtype() != DType::kBool) return absl::OkStatus();
  const auto* const bytes = reinterpret_cast<const uint8_t*>(tensor.raw());
  if (std::all_of(bytes, bytes + tensor.byte_size(), [](uint8_t b) { return b <= 1; })) {
    return absl::OkStatus();
  }
  return Malformed(absl::StrCat("tensor '",
                                Printable(head_.tensors(static_cast<int>(index)).name()),
                                "' has a bool that is neither 0 nor 1"));
}

absl::Status FrameReader::Add(grpc::ByteBuffer& buffer) {
  absl::StatusOr<Frame> decoded = Decode(buffer);
  if (!decoded.ok()) return decoded.status();
  Frame& frame = *decoded;
  uint64_t covered = 0;
  for (const v1::Chunk& chunk : frame.header.chunks()) {
    if (__builtin_add_overflow(covered, chunk.length(), &covered)) {
      return Malformed("the chunks' lengths overflow");
    }
  }
  if (covered != frame.body_size) {
    return Malformed(
        absl::StrCat("the body has ", frame.body_size, " bytes, its chunks cover ", covered));
  }
  google::protobuf::RepeatedPtrField<v1::Chunk> chunks;
  chunks.Swap(frame.header.mutable_chunks());
  if (!has_head_) {
    if (absl::Status status = AddHead(std::move(frame.header)); !status.ok()) return status;
  } else if (frame.header.tensors_size() > 0 || frame.header.has_push() ||
             frame.header.has_pull()) {
    return Malformed("a second head");
  }
  if (head_.checksums() && !frame.checked) return Malformed("a frame without its checksum");
  slice_ = 0;
  slice_offset_ = 0;
  for (const v1::Chunk& chunk : chunks) {
    if (absl::Status status = AddChunk(chunk, frame); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::optional<uint64_t> FrameReader::DueAcknowledgement() {
  return window_.Due(total_received_, total_);
}

absl::Status FrameReader::Finish() const {
  if (!has_head_) return Malformed("the stream ended before its head");
  for (size_t i = 0; i < sizes_.size(); ++i) {
    if (received_[i] == sizes_[i]) continue;
    return Malformed(absl::StrCat("tensor '", Printable(head_.tensors(static_cast<int>(i)).name()),
                                  "' has ", sizes_[i], " bytes, only ", received_[i], " came"));
  }
  return absl::OkStatus();
}

}  // namespace varscope::wire
