// Fuzzes the reader of TensorFlow's checkpoints. The input is an index, with its length before it,
// and the data; or, when its first byte is 1, the entries of an index, key after value, each with
// its length, then the data: the index is made of them, with right checksums, and an entry whose
// place is in the data gets the checksum of that.
#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table_builder.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/checkpoint/tensor_bundle.pb.h"
#include "proto/wire/crc32c.h"
#include "tests/fuzz/checkpoint_reading.h"

namespace varscope::checkpoint {
namespace {

std::string TextOf(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string WithChecksum(const std::string& value, std::span<const uint8_t> data) {
  BundleEntry entry;
  if (!entry.ParseFromString(value)) return value;
  const auto offset = static_cast<uint64_t>(entry.offset());
  const auto size = static_cast<uint64_t>(entry.size());
  if (offset > data.size() || size > data.size() - offset) return value;
  const uint32_t crc = Crc32c(std::as_bytes(data.subspan(offset, size)));
  entry.set_crc32c(((crc >> 15) | (crc << 17)) + 0xa282ead8U);
  return entry.SerializeAsString();
}

void WriteIndex(const std::filesystem::path& path,
                const std::map<std::string, std::string>& entries) {
  leveldb::WritableFile* opened = nullptr;
  if (!leveldb::Env::Default()->NewWritableFile(path, &opened).ok()) abort();
  const std::unique_ptr<leveldb::WritableFile> out(opened);
  leveldb::Options options;
  options.compression = leveldb::kNoCompression;
  leveldb::TableBuilder builder(options, out.get());
  for (const auto& [key, value] : entries) builder.Add(key, value);
  if (!builder.Finish().ok() || !out->Close().ok()) abort();
}

void ReadBundle(std::span<const uint8_t> left, bool entries_only) {
  const std::filesystem::path prefix = FuzzFolder() / "given.ckpt";
  const std::filesystem::path index = prefix.string() + ".index";
  if (entries_only) {
    std::vector<std::pair<std::string, std::string>> given;
    while (left.size() > 2 && (left[0] | left[1]) != 0) {
      std::string key = TextOf(TakePiece(left));
      given.emplace_back(std::move(key), TextOf(TakePiece(left)));
    }
    std::map<std::string, std::string> entries;
    for (const auto& [key, value] : given) entries[key] = WithChecksum(value, left);
    // Most inputs have the header that every writer writes.
    BundleHeader header;
    header.set_num_shards(1);
    entries.try_emplace("", header.SerializeAsString());
    WriteIndex(index, entries);
  } else {
    WriteBytes(index, TakePiece(left));
  }
  WriteBytes(prefix.string() + ".data-00000-of-00001", left);
  const Tensors tensors = ReadWhatCanBeRead(prefix);
  for (const auto& [name, tensor] : tensors) {
    if (tensor.byte_size() > left.size()) abort();
  }
  // The empty name is that of the header.
  if (!tensors.contains("")) ExpectTheSameAgain(tensors, FuzzFolder() / "again.ckpt");
}

}  // namespace
}  // namespace varscope::checkpoint

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  varscope::checkpoint::ReadBundle({data + 1, size - 1}, data[0] == 1);
  return 0;
}
