#include "server/durability/log_file.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"

namespace varscope::server {
namespace {

// What is read at once, unless a record is longer.
constexpr uint64_t kReadAtOnce = uint64_t{1} << 20;

}  // namespace

absl::StatusOr<LogFile> LogFile::Open(Directory& directory, absl::string_view name) {
  absl::StatusOr<std::unique_ptr<ReadableFile>> opened = directory.Open(name);
  if (!opened.ok()) return opened.status();
  if (absl::Status status = CheckFormat(**opened); !status.ok()) return status;
  return LogFile(*std::move(opened));
}

absl::StatusOr<std::span<const std::byte>> LogFile::At(uint64_t offset, uint64_t length) {
  const uint64_t end = begin_ + filled_;
  if (offset < begin_ || offset > end || length > end - offset) {
    const uint64_t wanted = std::max(length, std::min(kReadAtOnce, size() - offset));
    // Room for a long record is not kept for the short ones after it.
    if (wanted > capacity_ || capacity_ > std::max(wanted, kReadAtOnce)) {
      capacity_ = filled_ = 0;
      bytes_.reset(new (std::nothrow) std::byte[wanted]);
      if (bytes_ == nullptr) {
        return absl::ResourceExhaustedError(absl::StrCat(file_->path().string(),
                                                         ": there is no memory for the ", wanted,
                                                         " bytes at offset ", offset));
      }
      capacity_ = wanted;
    }
    filled_ = 0;
    absl::Status status = file_->ReadAt(offset, {bytes_.get(), wanted});
    if (!status.ok()) return status;
    begin_ = offset;
    filled_ = wanted;
  }
  return std::span<const std::byte>(bytes_.get() + (offset - begin_), length);
}

absl::StatusOr<std::optional<FramedRecord>> LogFile::Read(uint64_t offset) {
  if (offset > size() || size() - offset < kPrefixBytes) return std::nullopt;
  const auto prefix = At(offset, kPrefixBytes);
  if (!prefix.ok()) return prefix.status();
  const std::optional<uint64_t> bytes = FrameBytes(*prefix, size() - offset);
  if (!bytes) return std::nullopt;
  const auto whole = At(offset, *bytes);
  if (!whole.ok()) return whole.status();
  std::optional<FramedRecord> frame = ReadFrame(*whole, 0);
  if (frame) frame->end += offset;
  return frame;
}

absl::StatusOr<std::span<const std::byte>> LogFile::Ahead(uint64_t offset) {
  const uint64_t end = begin_ + filled_;
  const bool is_there = offset >= begin_ && offset < end;
  if (is_there && (end - offset >= kPrefixBytes || end == size())) return At(offset, end - offset);
  return At(offset, std::min(kReadAtOnce, size() - offset));
}

absl::StatusOr<std::optional<FramedRecord>> LogFile::Find(uint64_t offset, uint64_t position) {
  while (offset < size() && size() - offset >= kPrefixBytes) {
    const auto ahead = Ahead(offset);
    if (!ahead.ok()) return ahead.status();
    const std::optional<size_t> magic = FindMagic(*ahead);
    if (!magic) {
      // It may begin in the last of these bytes.
      offset += ahead->size() - (kMagicBytes - 1);
      continue;
    }
    offset += *magic;
    absl::StatusOr<std::optional<FramedRecord>> frame = Read(offset);
    if (!frame.ok() || (*frame && (*frame)->durable >= position)) return frame;
    ++offset;
  }
  return std::nullopt;
}

}  // namespace varscope::server
