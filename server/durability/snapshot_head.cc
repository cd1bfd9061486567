#include "server/durability/snapshot_head.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <array>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "proto/wire/crc32c.h"
#include "server/durability/convert.h"
#include "server/durability/frame.h"

namespace varscope::server {
namespace {

using durability::SnapshotHead;

// What fields become in memory, more or less, for each byte that they have in the file.
constexpr uint64_t kMessageTimes = 8;

class HeadWriter {
 public:
  HeadWriter(WritableFile& file, uint64_t position, size_t piece_bytes)
      : file_(file),
        position_(position),
        piece_bytes_(piece_bytes),
        held_(MemoryAccount::Process().HoldAnyway(kMessageTimes * piece_bytes)) {}

  absl::StatusOr<PieceChecksums> Write(const Snapshot& snapshot, int64_t time_unix_micros) {
    piece_.set_position(position_);
    piece_.set_name(snapshot.name);
    piece_.set_rolled_back_to(snapshot.rolled_back_to);
    piece_.set_time_unix_micros(time_unix_micros);
    const StoreState& state = snapshot.state;
    piece_.set_global_step(state.steps.global);
    for (const auto& [prefix, step] : state.steps.groups) {
      durability::GroupStep* const group = piece_.add_group_steps();
      group->set_prefix(prefix);
      group->set_step(step);
    }
    for (const CapturedVariable& v : state.variables) {
      piece_.add_checksums(v.first_value == nullptr ? Crc32c(v.value.bytes()) : 0);
      Add(v, piece_.add_variables());
    }
    for (const PartitionedNames& names : state.partitioned) Add(names, piece_.add_partitioned());
    for (const CapturedNames& names : state.slots) Add(names, piece_.add_slots());
    for (const CapturedNames& names : state.non_slots) Add(names, piece_.add_non_slots());
    for (const WorkerRecord& worker : snapshot.workers) Add(worker, piece_.add_workers());
    for (const CompletionRecords::Entry& entry : state.completion_records)
      Add(entry, piece_.add_completion_records());
    Flush(/*more=*/false);
    if (!status_.ok()) return status_;
    return std::move(checksums_);
  }

 private:
  template <typename Part, typename Message>
  void Add(const Part& part, Message* out) {
    ToProto(part, out);
    bytes_ += out->ByteSizeLong();
    if (bytes_ >= piece_bytes_) Flush(/*more=*/true);
  }

  void Flush(bool more) {
    RecordBytes piece;
    piece_.set_more(more);
    if (status_.ok() && !piece_.SerializeToString(&piece.header)) {
      status_ = absl::ResourceExhaustedError(
          absl::StrCat(file_.path().string(), ": a part of the state takes ", piece_.ByteSizeLong(),
                       " bytes in the head, too many to be written"));
    }
    const std::array<std::byte, kPrefixBytes> prefix = EncodePrefix(piece, position_, position_);
    checksums_.push_back(DecodePrefix(prefix)->checksum);
    if (status_.ok()) status_ = file_.Write(prefix);
    if (status_.ok()) status_ = file_.Write(std::as_bytes(std::span(piece.header)));
    piece_.Clear();
    bytes_ = 0;
  }

  WritableFile& file_;
  const uint64_t position_;
  const size_t piece_bytes_;
  const MemoryAccount::Hold held_;
  SnapshotHead piece_;
  uint64_t bytes_ = 0;  // of what was added to it
  PieceChecksums checksums_;
  absl::Status status_;
};

class HeadReader {
 public:
  HeadReader(ReadableFile& file, TakeFields take) : file_(file), take_(take) {}

  absl::StatusOr<Head> Read() {
    do {
      if (absl::Status status = ReadPiece(); !status.ok()) return status;
    } while (head_.fields.more());
    if (checksums_ != head_.variables) return Damaged("checksums are missing");
    return std::move(head_);
  }

 private:
  absl::Status Damaged(absl::string_view what) const { return DamagedSnapshot(file_.path(), what); }

  absl::Status ReadPiece() {
    std::array<std::byte, kPrefixBytes> bytes{};
    if (file_.left() < kPrefixBytes) return Damaged("it is too short");
    if (absl::Status status = file_.Read(bytes); !status.ok()) return status;
    if (absl::Status status = CheckFormat(file_.path(), bytes); !status.ok()) return status;
    const std::optional<Prefix> prefix = DecodePrefix(bytes);
    constexpr uint32_t kMost = std::numeric_limits<int>::max();  // protobuf's
    if (!prefix || prefix->header_bytes > std::min<uint64_t>(file_.left(), kMost)) {
      return Damaged("its prefix is wrong");
    }
    const auto held = MemoryAccount::Process().HoldAnyway(prefix->header_bytes);
    std::string piece(prefix->header_bytes, '\0');
    absl::Status status = file_.Read(std::as_writable_bytes(std::span(piece)));
    if (!status.ok()) return status;
    head_.fields.clear_more();
    if (Crc32c(std::as_bytes(std::span(piece))) != prefix->checksum) {
      return Damaged("its header is wrong");
    }
    head_.pieces.push_back(prefix->checksum);
    if (status = Parse(piece); !status.ok()) return status;
    return head_.fields.position() == prefix->position ? absl::OkStatus()
                                                       : Damaged("its header is wrong");
  }

  // Others wrote pieces of any size: some fields after the other.
  absl::Status Parse(absl::string_view piece) {
    constexpr int kSomeBytes = 64 << 10;
    using google::protobuf::internal::WireFormatLite;
    const auto held = MemoryAccount::Process().HoldAnyway(kMessageTimes * kSomeBytes);
    const int size = static_cast<int>(piece.size());
    google::protobuf::io::CodedInputStream fields(reinterpret_cast<const uint8_t*>(piece.data()),
                                                  size);
    for (int begin = 0; begin < size;) {
      int end = begin;
      while (end < size && end - begin < kSomeBytes) {
        const uint32_t tag = fields.ReadTag();
        if (tag == 0 || !WireFormatLite::SkipField(&fields, tag)) {
          return Damaged("its header is wrong");
        }
        end = fields.CurrentPosition();
      }
      if (!some_.ParseFromArray(piece.data() + begin, end - begin)) {
        return Damaged("its header is wrong");
      }
      if (absl::Status status = Take(); !status.ok()) return status;
      begin = end;
    }
    return absl::OkStatus();
  }

  absl::Status Take() {
    if (absl::Status status = take_(some_); !status.ok()) return status;
    head_.variables += some_.variables_size();
    checksums_ += some_.checksums_size();
    some_.clear_variables();
    some_.clear_checksums();
    some_.clear_partitioned();
    some_.clear_slots();
    some_.clear_non_slots();
    some_.clear_workers();
    some_.clear_completion_records();
    head_.fields.MergeFrom(some_);
    return absl::OkStatus();
  }

  ReadableFile& file_;
  const TakeFields take_;
  SnapshotHead some_;
  uint64_t checksums_ = 0;
  Head head_;
};

}  // namespace

absl::StatusOr<PieceChecksums> WriteHead(WritableFile& file, const Snapshot& snapshot,
                                         int64_t time_unix_micros, size_t piece_bytes) {
  return HeadWriter(file, snapshot.position, piece_bytes).Write(snapshot, time_unix_micros);
}

absl::StatusOr<Head> ReadHead(ReadableFile& file, TakeFields take) {
  return HeadReader(file, take).Read();
}

absl::Status DamagedSnapshot(const std::filesystem::path& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path.string(), " is damaged: ", what));
}

}  // namespace varscope::server
