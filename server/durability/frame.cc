#include "server/durability/frame.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "proto/wire/crc32c.h"

namespace varscope::server {
namespace {

constexpr std::array<char, 4> kMagic = {'V', 'S', 'R', '0' + kDiskFormat};
constexpr size_t kFormatAt = 3;

bool HasMagic(std::span<const std::byte> bytes) {
  return std::memcmp(bytes.data(), kMagic.data(), kFormatAt) == 0;
}
int FormatOf(std::span<const std::byte> bytes) { return static_cast<char>(bytes[kFormatAt]) - '0'; }
bool IsRead(int format) { return format >= kOldestDiskFormat && format <= kDiskFormat; }

template <typename T>
void Put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

template <typename T>
T Get(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

uint32_t Checksum(const RecordBytes& record) {
  uint32_t crc = Crc32c(std::as_bytes(std::span(record.header)));
  for (const Tensor& tensor : record.body) crc = Crc32c(tensor.bytes(), crc);
  return crc;
}

}  // namespace

std::array<std::byte, kPrefixBytes> EncodePrefix(const RecordBytes& record, uint64_t position,
                                                 uint64_t durable) {
  std::array<std::byte, kPrefixBytes> prefix{};
  std::memcpy(prefix.data(), kMagic.data(), kMagic.size());
  Put(prefix.data() + 4, static_cast<uint32_t>(record.header.size()));
  Put(prefix.data() + 8, record.body_bytes());
  Put(prefix.data() + 16, position);
  Put(prefix.data() + 24, durable);
  Put(prefix.data() + 32, Checksum(record));
  Put(prefix.data() + 36, Crc32c(std::span(prefix).first(36)));
  return prefix;
}

absl::Status CheckFormat(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  // The prefix itself is the same in all formats.
  if (bytes.size() < kPrefixBytes || !HasMagic(bytes) ||
      Get<uint32_t>(bytes, 36) != Crc32c(bytes.first(36))) {
    return absl::OkStatus();
  }
  const int format = FormatOf(bytes);
  if (IsRead(format)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path.string(), " has disk format ", format, ", this varscoped reads formats ",
                   kOldestDiskFormat, " to ", kDiskFormat,
                   "; nothing was changed. Start the varscoped that wrote it, or "
                   "this one with an empty --data-dir"));
}

std::optional<Prefix> DecodePrefix(std::span<const std::byte> bytes) {
  if (bytes.size() < kPrefixBytes) return std::nullopt;
  if (!HasMagic(bytes) || !IsRead(FormatOf(bytes))) return std::nullopt;
  if (Get<uint32_t>(bytes, 36) != Crc32c(bytes.first(36))) return std::nullopt;
  return Prefix{Get<uint32_t>(bytes, 4), Get<uint64_t>(bytes, 8), Get<uint64_t>(bytes, 16),
                Get<uint64_t>(bytes, 24), Get<uint32_t>(bytes, 32)};
}

std::optional<FramedRecord> ReadFrame(std::span<const std::byte> log, size_t offset) {
  if (offset > log.size()) return std::nullopt;
  const std::optional<Prefix> prefix = DecodePrefix(log.subspan(offset));
  if (!prefix) return std::nullopt;
  const size_t left = log.size() - offset - kPrefixBytes;
  if (prefix->header_bytes > left || prefix->body_bytes > left - prefix->header_bytes) {
    return std::nullopt;
  }
  const std::span<const std::byte> data =
      log.subspan(offset + kPrefixBytes, prefix->header_bytes + prefix->body_bytes);
  if (Crc32c(data) != prefix->checksum) return std::nullopt;
  return FramedRecord{prefix->position, prefix->durable, data.first(prefix->header_bytes),
                      data.subspan(prefix->header_bytes), offset + kPrefixBytes + data.size()};
}

std::optional<FramedRecord> FindFrame(std::span<const std::byte> log, size_t offset,
                                      uint64_t position) {
  const auto* const magic = reinterpret_cast<const std::byte*>(kMagic.data());
  while (offset < log.size()) {
    const auto found = std::search(log.begin() + static_cast<int64_t>(offset), log.end(), magic,
                                   magic + kFormatAt);
    if (found == log.end()) return std::nullopt;
    offset = found - log.begin();
    const std::optional<FramedRecord> frame = ReadFrame(log, offset);
    if (frame && frame->durable >= position) return frame;
    ++offset;
  }
  return std::nullopt;
}

}  // namespace varscope::server
