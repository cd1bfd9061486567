#include "client/checkpoint/index_file.h"

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

// As LevelDB's doc/table_format.md has them: a footer of two handles, padding and a number, of
// blocks that are each followed by their type and a checksum.
constexpr uint64_t kFooterBytes = 48;
constexpr uint64_t kHandlesBytes = 40;
constexpr uint64_t kTrailerBytes = 5;

// Takes a number from the beginning of `left`; nothing when there is none.
std::optional<uint64_t> TakeVarint(std::string_view& left) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !left.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(left.front());
    left.remove_prefix(1);
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// Where a block is.
struct Handle {
  uint64_t offset = 0;
  uint64_t size = 0;
};

class Checker {
 public:
  explicit Checker(const OldFile& file) : file_(file) {}

  void Check() const {
    if (file_.size() < kFooterBytes) ThrowDamaged(file_.path(), "it is too short for an index");
    const std::string footer = file_.Read(file_.size() - kFooterBytes, kHandlesBytes);
    std::string_view left = footer;
    TakeHandle(left, "the block of metadata");
    CheckEntries(TakeHandle(left, "the block of entries"));
  }

 private:
  Handle TakeHandle(std::string_view& left, const char* what) const {
    const std::optional<uint64_t> offset = TakeVarint(left);
    const std::optional<uint64_t> size = offset ? TakeVarint(left) : std::nullopt;
    if (!size) ThrowDamaged(file_.path(), absl::StrCat("where ", what, " is, cannot be read"));
    const uint64_t end = file_.size() - kFooterBytes;
    if (*offset > end || *size > end - *offset || end - *offset - *size < kTrailerBytes) {
      ThrowDamaged(file_.path(), absl::StrCat(what, " would have ", *size, " bytes at offset ",
                                              *offset, ", and the file has ", file_.size()));
    }
    return {*offset, *size};
  }

  // LevelDB believes, too, what a compressed one says of the bytes that come out of it.
  void CheckType(const Handle& block) const {
    if (file_.Read(block.offset + block.size, 1) == std::string(1, '\0')) return;
    ThrowDamaged(file_.path(), absl::StrCat("the block at offset ", block.offset,
                                            " is compressed, and TensorFlow compresses none"));
  }

  // Each entry of this block has a block's handle as its value.
  void CheckEntries(const Handle& block) const {
    CheckType(block);
    const std::string bytes = file_.Read(block.offset, block.size);
    uint32_t restarts = 0;
    if (block.size >= sizeof(restarts)) {
      std::memcpy(&restarts, bytes.data() + block.size - sizeof(restarts), sizeof(restarts));
    }
    if (block.size / sizeof(restarts) < uint64_t{restarts} + 1) {
      ThrowDamaged(file_.path(), "its block of entries is too short");
    }
    std::string_view left(bytes.data(), block.size - (uint64_t{restarts} + 1) * sizeof(restarts));
    while (!left.empty()) {
      const std::optional<uint64_t> shared = TakeVarint(left);
      const std::optional<uint64_t> own = shared ? TakeVarint(left) : std::nullopt;
      const std::optional<uint64_t> value = own ? TakeVarint(left) : std::nullopt;
      if (!value || *own > left.size() || *value > left.size() - *own) {
        ThrowDamaged(file_.path(), "an entry of its blocks cannot be read");
      }
      left.remove_prefix(*own);
      std::string_view handle = left.substr(0, *value);
      CheckType(TakeHandle(handle, "a block"));
      left.remove_prefix(*value);
    }
  }

  const OldFile& file_;
};

}  // namespace

IndexFile::IndexFile(const std::filesystem::path& path) : file_(path) { Checker(file_).Check(); }

leveldb::Status IndexFile::Read(uint64_t offset, size_t n, leveldb::Slice* result,
                                char* scratch) const {
  try {
    file_.Read(offset, std::as_writable_bytes(std::span(scratch, n)));
  } catch (const OpError& error) {
    return leveldb::Status::Corruption(error.message());
  }
  *result = leveldb::Slice(scratch, n);
  return leveldb::Status::OK();
}

}  // namespace varscope::checkpoint
