#include "server/durability/frame.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "proto/wire/crc32c.h"

namespace varscope::server {
namespace {

constexpr std::array<char, 4> kMagic = {'V', 'S', 'R', '0' + kDiskFormat};

bool HasMagic(std::span<const std::byte> bytes) {
  return std::memcmp(bytes.data(), kMagic.data(), kMagicBytes) == 0;
}
int FormatOf(std::span<const std::byte> bytes) {
  return static_cast<char>(bytes[kMagicBytes]) - '0';
}
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

absl::Status CheckFormat(ReadableFile& file) {
  std::array<std::byte, kPrefixBytes> prefix{};
  const std::span<std::byte> bytes =
      std::span(prefix).first(std::min<uint64_t>(kPrefixBytes, file.size()));
  if (absl::Status status = file.ReadAt(0, bytes); !status.ok()) return status;
  return CheckFormat(file.path(), bytes);
}

std::optional<Prefix> DecodePrefix(std::span<const std::byte> bytes) {
  if (bytes.size() < kPrefixBytes) return std::nullopt;
  if (!HasMagic(bytes) || !IsRead(FormatOf(bytes))) return std::nullopt;
  if (Get<uint32_t>(bytes, 36) != Crc32c(bytes.first(36))) return std::nullopt;
  return Prefix{Get<uint32_t>(bytes, 4), Get<uint64_t>(bytes, 8), Get<uint64_t>(bytes, 16),
                Get<uint64_t>(bytes, 24), Get<uint32_t>(bytes, 32)};
}

std::optional<uint64_t> FrameBytes(std::span<const std::byte> prefix, uint64_t left) {
  const std::optional<Prefix> decoded = DecodePrefix(prefix);
  if (!decoded || left < kPrefixBytes) return std::nullopt;
  left -= kPrefixBytes;
  if (decoded->header_bytes > left || decoded->body_bytes > left - decoded->header_bytes) {
    return std::nullopt;
  }
  return kPrefixBytes + decoded->header_bytes + decoded->body_bytes;
}

std::optional<FramedRecord> ReadFrame(std::span<const std::byte> log, size_t offset) {
  if (offset > log.size() || !FrameBytes(log.subspan(offset), log.size() - offset)) {
    return std::nullopt;
  }
  const std::optional<Prefix> prefix = DecodePrefix(log.subspan(offset));
  const std::span<const std::byte> data =
      log.subspan(offset + kPrefixBytes, prefix->header_bytes + prefix->body_bytes);
  if (Crc32c(data) != prefix->checksum) return std::nullopt;
  return FramedRecord{prefix->position, prefix->durable, data.first(prefix->header_bytes),
                      data.subspan(prefix->header_bytes), offset + kPrefixBytes + data.size()};
}

std::optional<size_t> FindMagic(std::span<const std::byte> bytes) {
  const auto* const magic = reinterpret_cast<const std::byte*>(kMagic.data());
  const auto found = std::search(bytes.begin(), bytes.end(), magic, magic + kMagicBytes);
  if (found == bytes.end()) return std::nullopt;
  return static_cast<size_t>(found - bytes.begin());
}

}  // namespace varscope::server
