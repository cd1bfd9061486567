#include "proto/wire/frame.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/wire/crc32c.h"
#include "proto/wire/retry_info.h"

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

absl::Status Damaged() {
  return WithRetryAfter(
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

}  // namespace

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed tensor frame: ", what));
}

grpc::ByteBuffer Encode(std::initializer_list<const v1::FrameHeader*> parts,
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

grpc::ByteBuffer Encode(const v1::FrameHeader& header, const std::vector<grpc::Slice>& body,
                        bool checksum) {
  return Encode({&header}, body, checksum);
}

bool BeginsWithWholeHeader(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok() || slices.empty()) return false;
  slices.resize(1);
  Cursor cursor(slices);
  if (cursor.Varint() != kHeaderTag) return false;
  const std::optional<uint64_t> length = cursor.Varint();
  std::vector<grpc::Slice> header;
  return length && cursor.Take(*length, &header);
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
  absl::Status parsed = header ? frame.header.Parse(*header) : absl::OkStatus();
  if (absl::IsInvalidArgument(parsed)) return Malformed("the header does not parse");
  if (!parsed.ok()) return parsed;
  return frame;
}

}  // namespace varscope::wire
