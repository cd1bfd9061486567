#include "server/durability/snapshot.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "proto/core/allocate.h"
#include "proto/core/crc32c.h"
#include "proto/core/names.h"
#include "proto/core/shape_rules.h"
#include "server/durability/convert.h"
#include "server/durability/files.h"
#include "server/durability/frame.h"

namespace varscope::server {
namespace {

constexpr uint32_t kFormatVersion = 1;
constexpr absl::string_view kPrefix = "snapshot-";
constexpr size_t kDigits = 20;  // of the position in a file's name; "-" and its own name follow
constexpr char kTemporary[] = ".tmp";

durability::SnapshotHead HeadOf(const Snapshot& snapshot) {
  durability::SnapshotHead head;
  head.mutable_format()->set_version(kFormatVersion);
  head.set_position(snapshot.position);
  head.set_name(snapshot.name);
  head.set_time_unix_micros(std::chrono::duration_cast<std::chrono::microseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count());
  ToProto(snapshot.state, &head);
  for (const CapturedVariable& v : snapshot.state.variables) {
    head.add_checksums(Crc32c(v.value.bytes()));
  }
  for (const WorkerRecord& worker : snapshot.workers) ToProto(worker, head.add_workers());
  return head;
}

absl::Status WriteAll(File& file, const Snapshot& snapshot) {
  const RecordBytes header{HeadOf(snapshot).SerializeAsString(), {}};
  absl::Status status = file.Write(EncodePrefix(header, snapshot.position, snapshot.position));
  if (status.ok()) status = file.Write(std::as_bytes(std::span(header.header)));
  for (const CapturedVariable& v : snapshot.state.variables) {
    if (status.ok() && v.value.byte_size() > 0) status = file.Write(v.value.bytes());
  }
  return status.ok() ? file.Sync() : status;
}

absl::Status Damaged(const std::filesystem::path& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path.string(), " is damaged: ", what));
}

absl::StatusOr<durability::SnapshotHead> ReadHead(File& file, size_t size) {
  std::array<std::byte, kPrefixBytes> bytes{};
  if (size < kPrefixBytes) return Damaged(file.path(), "it is too short");
  if (absl::Status status = file.Read(bytes); !status.ok()) return status;
  const std::optional<Prefix> prefix = DecodePrefix(bytes);
  if (!prefix || prefix->header_bytes > size - kPrefixBytes) {
    return Damaged(file.path(), "its prefix is wrong");
  }
  std::string header(prefix->header_bytes, '\0');
  absl::Status status = file.Read(std::as_writable_bytes(std::span(header)));
  if (!status.ok()) return status;
  durability::SnapshotHead head;
  if (Crc32c(std::as_bytes(std::span(header))) != prefix->checksum ||
      !head.ParseFromString(header) || head.position() != prefix->position) {
    return Damaged(file.path(), "its header is wrong");
  }
  if (head.format().version() != kFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(file.path().string(), " has format ", head.format().version(),
                     ", this varscoped reads format ", kFormatVersion));
  }
  if (head.checksums_size() != head.variables_size()) {
    return Damaged(file.path(), "checksums are missing");
  }
  return head;
}

// The bytes that the values take; nothing when that is not what the file has.
absl::Status CheckSize(const File& file, const StoreState& state, uint64_t left) {
  uint64_t total = 0;
  for (const CapturedVariable& v : state.variables) {
    const absl::StatusOr<uint64_t> bytes = ByteSize(v.definition.dtype, v.definition.shape);
    if (!bytes.ok() || __builtin_add_overflow(total, *bytes, &total)) {
      return Damaged(file.path(), "a shape is wrong");
    }
  }
  if (total == left) return absl::OkStatus();
  return Damaged(file.path(),
                 absl::StrCat("its values take ", total, " bytes, the file has ", left));
}

SnapshotInfo Describe(const std::filesystem::path& path) {
  SnapshotInfo info{.name = path.filename().string(), .path = path};
  absl::StatusOr<File> file = File::OpenToRead(path);
  const absl::StatusOr<size_t> size = file.ok() ? file->Size() : file.status();
  const absl::StatusOr<durability::SnapshotHead> head =
      size.ok() ? ReadHead(*file, *size) : size.status();
  if (!head.ok()) {
    info.damage = std::string(head.status().message());
    return info;
  }
  if (!head->name().empty()) info.name = head->name();
  info.position = head->position();
  info.time_unix_micros = head->time_unix_micros();
  info.global_step = head->global_step();
  info.bytes = *size;
  info.variables = head->variables_size();
  return info;
}

}  // namespace

absl::StatusOr<std::filesystem::path> WriteSnapshot(const std::filesystem::path& directory,
                                                    const Snapshot& snapshot) {
  const std::filesystem::path path =
      directory / absl::StrFormat("%s%020d%s%s", kPrefix, snapshot.position,
                                  snapshot.name.empty() ? "" : "-", snapshot.name);
  const std::filesystem::path temporary = path.string() + kTemporary;
  absl::Status status;
  {
    absl::StatusOr<File> file = File::Create(temporary);
    status = file.ok() ? WriteAll(*file, snapshot) : file.status();
  }
  if (status.ok()) status = Rename(temporary, path);
  if (status.ok()) status = SyncDirectory(directory);
  if (status.ok()) return path;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  return status;
}

absl::StatusOr<Snapshot> ReadSnapshot(const std::filesystem::path& path) {
  absl::StatusOr<File> file = File::OpenToRead(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<size_t> size = file->Size();
  if (!size.ok()) return size.status();
  absl::StatusOr<durability::SnapshotHead> head = ReadHead(*file, *size);
  if (!head.ok()) return head.status();
  absl::StatusOr<StoreState> state = FromProto(*head);
  if (!state.ok()) return Damaged(path, state.status().message());
  const off_t at = lseek(file->fd(), 0, SEEK_CUR);
  absl::Status status = CheckSize(*file, *state, *size - at);
  if (!status.ok()) return status;
  for (int i = 0; i < head->variables_size(); ++i) {
    CapturedVariable& v = state->variables[i];
    absl::StatusOr<Tensor> value = TryAllocate(v.definition.dtype, v.definition.shape);
    if (!value.ok()) return value.status();
    status = file->Read({value->mutable_raw(), value->byte_size()});
    if (!status.ok()) return status;
    if (Crc32c(value->bytes()) != head->checksums(i)) {
      return Damaged(path, absl::StrCat("the value of ", v.definition.name, " is wrong"));
    }
    v.value = *std::move(value);
  }
  Snapshot snapshot{head->name(), head->position(), *std::move(state), {}};
  for (const durability::Connected& worker : head->workers()) {
    snapshot.workers.push_back(FromProto(worker));
  }
  return snapshot;
}

absl::StatusOr<std::vector<SnapshotFile>> ListSnapshots(const std::filesystem::path& directory) {
  std::vector<SnapshotFile> snapshots;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    uint64_t position = 0;
    if (!absl::StartsWith(name, kPrefix)) continue;
    if (entry.path().extension() == kTemporary) continue;
    if (!absl::SimpleAtoi(name.substr(kPrefix.size(), kDigits), &position)) continue;
    snapshots.push_back({position, entry.path()});
  }
  if (error) return FileError(directory, "list", error.value());
  std::sort(snapshots.begin(), snapshots.end(),
            [](const SnapshotFile& a, const SnapshotFile& b) { return a.position > b.position; });
  return snapshots;
}

absl::StatusOr<std::vector<SnapshotInfo>> DescribeSnapshots(
    const std::filesystem::path& directory) {
  const absl::StatusOr<std::vector<SnapshotFile>> files = ListSnapshots(directory);
  if (!files.ok()) return files.status();
  std::vector<SnapshotInfo> infos;
  for (const SnapshotFile& file : *files) infos.push_back(Describe(file.path));
  return infos;
}

absl::Status CheckNewName(const std::filesystem::path& directory, const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  const bool plain = name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
                       return absl::ascii_isalnum(c) || c == '_' || c == '-';
                     });
  if (!plain || absl::StartsWith(name, kPrefix)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Printable(name),
                     "' is no name for a snapshot: up to 100 letters, digits, '_', '-', "
                     "not beginning with '",
                     kPrefix, "'"));
  }
  const absl::StatusOr<std::vector<SnapshotInfo>> infos = DescribeSnapshots(directory);
  if (!infos.ok()) return infos.status();
  for (const SnapshotInfo& info : *infos) {
    if (info.name != name) continue;
    return absl::AlreadyExistsError(
        absl::StrCat("there is a snapshot '", name, "', ", info.path.string()));
  }
  return absl::OkStatus();
}

absl::StatusOr<Snapshot> FindSnapshot(const std::filesystem::path& directory,
                                      const std::string& name) {
  const absl::StatusOr<std::vector<SnapshotInfo>> infos = DescribeSnapshots(directory);
  if (!infos.ok()) return infos.status();
  std::vector<std::string> known;
  for (const SnapshotInfo& info : *infos) {
    if (info.name == name) return ReadSnapshot(info.path);
    known.push_back(info.name);
  }
  return absl::NotFoundError(absl::StrCat("no snapshot '", Printable(name), "'; there are: ",
                                          known.empty() ? "none" : absl::StrJoin(known, ", ")));
}

uint64_t TrimSnapshots(const std::filesystem::path& directory, size_t keep) {
  const absl::StatusOr<std::vector<SnapshotFile>> files = ListSnapshots(directory);
  if (!files.ok()) return 0;
  uint64_t oldest = 0;
  size_t kept = 0;
  for (const SnapshotFile& file : *files) {
    const bool named = file.path.filename().string().size() > kPrefix.size() + kDigits;
    if (named) continue;
    if (kept < keep) {
      ++kept;
      oldest = file.position;
    } else {
      std::error_code ignored;
      std::filesystem::remove(file.path, ignored);
    }
  }
  return oldest;
}

void RemoveUnfinishedSnapshots(const std::filesystem::path& directory) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().extension() == kTemporary) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace varscope::server
