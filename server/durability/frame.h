// The framing of the log: a 40-byte prefix, a header (protobuf), a body (raw tensor bytes).
//
//   offset  bytes  little-endian
//        0      4  magic "VSR", and the disk format's version as a digit
//        4      4  header bytes
//        8      8  body bytes
//       16      8  position: 1, 2, 3, ... without gaps over all segments
//       24      8  the last position known to be durable when this record was written
//       32      4  CRC32C of header and body
//       36      4  CRC32C of the 36 bytes before
//
// A frame of position 0 that has nothing else is a mark: it says no more than what is durable. One
// follows each group of records once it is, and those of a group in each segment, so that damage to
// the last of them is not taken for a torn end.
#ifndef VARSCOPE_SERVER_DURABILITY_FRAME_H_
#define VARSCOPE_SERVER_DURABILITY_FRAME_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/env/files.h"
#include "varscope/tensor.h"

namespace varscope::server {

inline constexpr size_t kPrefixBytes = 40;

// Of the log and of snapshots: what frames hold (records.proto) is part of it. 1 had network
// messages in it, 2 no marks. Written is the last one, read are all from the oldest on.
inline constexpr int kDiskFormat = 3;
inline constexpr int kOldestDiskFormat = 2;

// FailedPrecondition names both versions when the file that begins with `bytes` was written in
// another format.
absl::Status CheckFormat(const std::filesystem::path& path, std::span<const std::byte> bytes);
// The same of a file, or why its beginning cannot be read.
absl::Status CheckFormat(ReadableFile& file);

// A record before it has a position.
struct RecordBytes {
  std::string header;
  std::vector<Tensor> body;

  uint64_t body_bytes() const {
    uint64_t total = 0;
    for (const Tensor& tensor : body) total += tensor.byte_size();
    return total;
  }
  uint64_t size() const { return kPrefixBytes + header.size() + body_bytes(); }
};

struct Prefix {
  uint32_t header_bytes = 0;
  uint64_t body_bytes = 0;
  uint64_t position = 0;
  uint64_t durable = 0;
  uint32_t checksum = 0;
};

std::array<std::byte, kPrefixBytes> EncodePrefix(const RecordBytes& record, uint64_t position,
                                                 uint64_t durable);

// Nothing when the magic or the prefix's own checksum is wrong.
std::optional<Prefix> DecodePrefix(std::span<const std::byte> bytes);

struct FramedRecord {
  uint64_t position = 0;
  uint64_t durable = 0;
  std::span<const std::byte> header;
  std::span<const std::byte> body;
  uint64_t end = 0;  // offset after it

  bool is_mark() const { return position == 0; }
};

// How many bytes the record with this prefix has; nothing when it is none, or more than there are
// `left` from its beginning on.
std::optional<uint64_t> FrameBytes(std::span<const std::byte> prefix, uint64_t left);

// The record at `offset`, or nothing when it is cut short or its checksums are wrong.
std::optional<FramedRecord> ReadFrame(std::span<const std::byte> log, size_t offset);

// Where the first prefix may begin: the magic's bytes, without the version.
inline constexpr size_t kMagicBytes = 3;
std::optional<size_t> FindMagic(std::span<const std::byte> bytes);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_DURABILITY_FRAME_H_
