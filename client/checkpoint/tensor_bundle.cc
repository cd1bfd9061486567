#include <leveldb/comparator.h>
#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table.h>
#include <leveldb/table_builder.h>

#include <algorithm>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/checkpoint/files.h"
#include "client/checkpoint/formats.h"
#include "client/checkpoint/index_file.h"
#include "client/checkpoint/slice_key.h"
#include "client/checkpoint/stored.h"
#include "client/checkpoint/tensor_bundle.pb.h"
#include "client/graph/throw.h"
#include "proto/concurrency/mutex.h"
#include "proto/tensor/allocate.h"
#include "proto/wire/crc32c.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

namespace fs = std::filesystem;

// Of those that varscope has not, what people have most.
std::string NameOf(int number) {
  static const std::map<int, std::string> kNames = {
      {7, "string"},    {8, "complex64"}, {11, "qint8"},     {13, "qint32"},
      {20, "resource"}, {21, "variant"},  {18, "complex128"}};
  const auto it = kNames.find(number);
  return it != kNames.end() ? it->second : absl::StrCat("number ", number, " of TensorFlow's");
}

DType TypeOf(int number, const std::string& where) {
  for (const DTypeInfo& info : kDTypes) {
    if (info.tensorflow == number) return info.dtype;
  }
  ThrowNotHeld(where, NameOf(number));
}

// Nobody has so many parameter servers.
constexpr int kMostSlices = 1 << 20;

// As LevelDB masks them, so that a checksum of bytes with checksums is no weaker.
uint32_t Mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

fs::path IndexPath(const fs::path& prefix) { return prefix.string() + ".index"; }
fs::path DataPath(const fs::path& prefix, int shard, int shards) {
  return prefix.string() + absl::StrFormat(".data-%05d-of-%05d", shard, shards);
}

void ThrowIfFailed(const leveldb::Status& status, const fs::path& path) {
  if (status.ok()) return;
  if (status.IsCorruption()) ThrowDamaged(path, status.ToString());
  throw UnknownError(absl::StrCat(path.string(), ": ", status.ToString()));
}

leveldb::Options TableOptions() {
  leveldb::Options options;
  options.block_size = 256 << 10;  // as TensorFlow's
  options.compression = leveldb::kNoCompression;
  return options;
}

// Whether `name` is that of a data file of a bundle whose prefix has the name `prefix`.
bool IsData(const std::string& name, const std::string& prefix) {
  static const std::regex kShard(R"(\.data-\d{5}-of-\d{5})");
  return name.starts_with(prefix) && std::regex_match(name.substr(prefix.size()), kShard);
}

void RemoveData(const fs::path& prefix, const fs::path& but) {
  std::error_code ignored;
  const fs::path folder = prefix.parent_path();
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name != but.filename() && IsData(name, prefix.filename().string())) {
      old.push_back(entry.path());
    }
  }
  for (const fs::path& path : old) fs::remove(path, ignored);
}

void WriteIndex(const NewFile& file, const std::map<std::string, std::string>& entries) {
  const fs::path& path = file.temporary();
  leveldb::WritableFile* opened = nullptr;
  ThrowIfFailed(leveldb::Env::Default()->NewWritableFile(path, &opened), path);
  const std::unique_ptr<leveldb::WritableFile> out(opened);
  leveldb::TableBuilder builder(TableOptions(), out.get());
  for (const auto& [key, value] : entries) builder.Add(key, value);
  ThrowIfFailed(builder.Finish(), path);
  ThrowIfFailed(out->Close(), path);
}

// A path that is a file itself is no prefix.
[[noreturn]] void ThrowNoPrefix(const fs::path& path) {
  const fs::path prefix = fs::path(path).replace_extension();
  const bool is_part =
      path.extension() == ".index" || path.extension().string().rfind(".data-", 0) == 0;
  throw NotFoundError(
      is_part ? absl::StrCat(path.string(), " is part of a TensorFlow checkpoint: name it ",
                             prefix.string())
              : absl::StrCat(path.string(),
                             " is no checkpoint that varscope reads: .safetensors, "
                             ".npz, or the prefix of a TensorFlow checkpoint's .index"));
}

class BundleReader final : public Reader {
 public:
  explicit BundleReader(const fs::path& prefix) : prefix_(prefix), index_path_(IndexPath(prefix)) {
    std::error_code unknown;
    if (!fs::exists(index_path_, unknown) && fs::is_regular_file(prefix, unknown)) {
      ThrowNoPrefix(prefix);
    }
    file_ = std::make_unique<IndexFile>(index_path_);
    leveldb::Options options = TableOptions();
    options.paranoid_checks = true;
    leveldb::Table* table = nullptr;
    ThrowIfFailed(leveldb::Table::Open(options, file_.get(), file_->size(), &table), index_path_);
    table_.reset(table);
    ReadEntries();
    OpenData();
  }

  // Whether the data was there when it was opened.
  bool complete() const { return complete_; }

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [key, entry] : entries_) {
      // Keys of slices begin with a zero byte.
      if (key[0] != '\0') names.push_back(key);
    }
    return names;
  }

  Tensor Read(const std::string& name) override {
    const BundleEntry& entry = entries_.at(name);
    return entry.slices_size() > 0 ? ReadSliced(name, entry) : ReadWhole(name, entry);
  }

 private:
  void ReadEntries() {
    leveldb::ReadOptions options;
    options.verify_checksums = true;
    const std::unique_ptr<leveldb::Iterator> it(table_->NewIterator(options));
    BundleHeader header;
    bool has_header = false;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      const std::string key = it->key().ToString();
      const std::string value = it->value().ToString();
      if (key.empty()) {
        has_header = header.ParseFromString(value);
        continue;
      }
      if (!entries_.empty() && key <= entries_.rbegin()->first) {
        ThrowDamaged(index_path_, absl::StrCat("the entry of '", key, "' is out of order"));
      }
      if (!entries_[key].ParseFromString(value)) {
        ThrowDamaged(index_path_, absl::StrCat("the entry of '", key, "' does not parse"));
      }
    }
    ThrowIfFailed(it->status(), index_path_);
    if (!has_header || header.num_shards() < 1) ThrowDamaged(index_path_, "it has no header");
    if (header.endianness() != 0 || header.version().min_consumer() > 1) {
      throw InvalidArgumentError(absl::StrCat(
          index_path_.string(), ": a big-endian checkpoint, or one for later versions only"));
    }
    shards_ = header.num_shards();
  }

  // At once, because who overwrites the checkpoint removes the data. What is missing or damaged is
  // an error for whoever reads it.
  void OpenData() {
    std::error_code unknown;
    for (const auto& [key, entry] : entries_) {
      const int shard = entry.shard_id();
      if (entry.slices_size() > 0 || shard < 0 || shard >= shards_) continue;
      if (files_.contains(shard)) continue;
      if (fs::exists(DataPath(prefix_, shard, shards_), unknown)) {
        Shard(shard);
      } else {
        complete_ = false;
      }
    }
  }

  OldFile& Shard(int shard) {
    if (shard < 0 || shard >= shards_) ThrowDamaged(index_path_, "an entry names a wrong shard");
    const auto it = files_.try_emplace(shard, DataPath(prefix_, shard, shards_)).first;
    return it->second;
  }

  static Shape ShapeOf(const BundleEntry& entry, const std::string& where) {
    std::vector<int64_t> dims;
    for (const BundleShape::Dim& dim : entry.shape().dim()) dims.push_back(dim.size());
    const Shape shape(dims);
    if (entry.shape().unknown_rank() || !shape.IsFullyDefined()) {
      throw DataLossError(absl::StrCat(where, ": its shape is not known"));
    }
    return shape;
  }

  Tensor ReadWhole(const std::string& name, const BundleEntry& entry) {
    const std::string where = absl::StrCat(prefix_.string(), ": tensor '", name, "'");
    const DType dtype = TypeOf(entry.dtype(), where);
    const Shape shape = ShapeOf(entry, where);
    OldFile& file = Shard(entry.shard_id());
    const uint64_t bytes = StoredBytes(dtype, shape, where);
    if (entry.offset() < 0 || entry.size() < 0 || static_cast<uint64_t>(entry.size()) != bytes ||
        bytes > file.size() || static_cast<uint64_t>(entry.offset()) > file.size() - bytes) {
      ThrowDamaged(file.path(), absl::StrCat(where, " does not fit its place"));
    }
    uint32_t crc = Crc32c({});
    Tensor tensor = ReadStored(dtype, shape, where, [&](std::span<std::byte> into) {
      file.Read(entry.offset(), into);
      crc = Crc32c(into);
    });
    if (Mask(crc) != entry.crc32c()) {
      ThrowDamaged(file.path(), absl::StrCat("the checksum of ", where, " is wrong"));
    }
    return tensor;
  }

  // Of the data files that have its slices.
  uint64_t BytesOfData(const std::string& name, const BundleEntry& entry,
                       const std::string& where) {
    std::set<int> shards;
    for (const BundleSlice& slice : entry.slices()) {
      const auto part = entries_.find(SliceKey(name, slice));
      if (part == entries_.end()) ThrowDamaged(index_path_, where + " lacks a slice");
      shards.insert(part->second.shard_id());
    }
    uint64_t bytes = 0;
    for (const int shard : shards) bytes += Shard(shard).size();
    return bytes;
  }

  Tensor ReadSliced(const std::string& name, const BundleEntry& entry) {
    const std::string where = absl::StrCat(prefix_.string(), ": tensor '", name, "'");
    const DType dtype = TypeOf(entry.dtype(), where);
    const Shape shape = ShapeOf(entry, where);
    if (entry.slices_size() > kMostSlices) {
      ThrowDamaged(index_path_, absl::StrCat(where, " has ", entry.slices_size(),
                                             " slices, at most ", kMostSlices, " are read"));
    }
    // Before memory is taken for it: each slice has bytes of its own.
    if (StoredBytes(dtype, shape, where) > BytesOfData(name, entry, where)) {
      ThrowDamaged(index_path_, where + " is larger than its data");
    }
    Tensor whole;
    std::vector<bool> placed;
    int64_t covered = 0;
    for (const BundleSlice& slice : entry.slices()) {
      const Tensor value = ReadWhole(name, entries_.at(SliceKey(name, slice)));
      if (!whole.defined()) {
        absl::StatusOr<Tensor> space = TryAllocate(dtype, shape);
        ThrowIfError(space.status());
        whole = *std::move(space);
        placed.resize(whole.num_elements());
      }
      if (!PlaceSlice(value, slice, whole, placed)) {
        ThrowDamaged(index_path_, where + " has a slice that does not fit");
      }
      covered += value.num_elements();
    }
    if (covered != whole.num_elements()) {
      ThrowDamaged(index_path_, where + " is not covered by its slices");
    }
    return whole;
  }

  const fs::path prefix_;
  const fs::path index_path_;
  std::unique_ptr<IndexFile> file_;
  std::unique_ptr<leveldb::Table> table_;
  std::map<std::string, BundleEntry> entries_;
  std::map<int, OldFile> files_;
  int shards_ = 0;
  bool complete_ = true;
};

}  // namespace

// An index names its data by the number of data files that it has; that there is only the first of
// them, no reader minds. So new data gets a name that nothing there has, and what was there stays
// whole until the new index takes the place of the old one.
void WriteTensorBundle(const fs::path& prefix, const Tensors& tensors) {
  static Mutex one_at_a_time;
  const MutexLock lock(one_at_a_time);
  int shards = 1;
  while (fs::exists(DataPath(prefix, 0, shards))) ++shards;
  BundleHeader header;
  header.set_num_shards(shards);
  header.mutable_version()->set_producer(1);
  std::map<std::string, std::string> entries = {{"", header.SerializeAsString()}};
  const fs::path data_path = DataPath(prefix, 0, shards);
  NewFile data(data_path);
  data.Write(std::string());
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    BundleEntry entry;
    entry.set_dtype(InfoOf(tensor.dtype()).tensorflow);
    entry.mutable_shape();
    for (int64_t dim : tensor.shape().dims()) entry.mutable_shape()->add_dim()->set_size(dim);
    entry.set_offset(static_cast<int64_t>(offset));
    entry.set_size(static_cast<int64_t>(tensor.byte_size()));
    entry.set_crc32c(Mask(Crc32c({tensor.raw(), tensor.byte_size()})));
    entries[name] = entry.SerializeAsString();
    if (tensor.byte_size() > 0) data.Write(tensor.bytes());
    offset += tensor.byte_size();
  }
  NewFile index(IndexPath(prefix));
  WriteIndex(index, entries);
  data.Keep();
  // Last, because readers look for the index.
  index.Keep();
  RemoveData(prefix, data_path);
}

void RemoveTensorBundle(const fs::path& prefix) {
  std::error_code ignored;
  fs::remove(IndexPath(prefix), ignored);
  RemoveData(prefix, {});
}

std::unique_ptr<Reader> OpenTensorBundle(const fs::path& prefix) {
  auto reader = std::make_unique<BundleReader>(prefix);
  // Perhaps it was overwritten after the index was read.
  return reader->complete() ? std::move(reader) : std::make_unique<BundleReader>(prefix);
}

}  // namespace varscope::checkpoint
