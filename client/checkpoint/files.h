// Files of checkpoints: written aside and renamed, read at offsets.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_FILES_H_
#define VARSCOPE_CLIENT_CHECKPOINT_FILES_H_

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

namespace varscope::checkpoint {

// A file that takes its name when it is complete and on stable storage. Throws OpError.
class NewFile {
 public:
  explicit NewFile(std::filesystem::path path);
  // Removes what was not kept.
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  // Where to write until Keep, for libraries that want a name.
  const std::filesystem::path& temporary() const { return temporary_; }
  void Write(std::span<const std::byte> bytes);
  void Write(const std::string& bytes) { Write(std::as_bytes(std::span(bytes))); }
  void Keep();

 private:
  const std::filesystem::path path_;
  const std::filesystem::path temporary_;
  std::ofstream out_;  // opened by the first Write
  bool kept_ = false;
};

// Thread-safe. Throws NotFoundError, DataLossError when bytes are missing, also when they are since
// it was opened.
class OldFile {
 public:
  explicit OldFile(std::filesystem::path path);
  ~OldFile();
  OldFile(const OldFile&) = delete;
  OldFile& operator=(const OldFile&) = delete;
  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const { return size_; }
  void Read(uint64_t offset, std::span<std::byte> into) const;
  std::string Read(uint64_t offset, uint64_t length) const;

 private:
  const std::filesystem::path path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

[[noreturn]] void ThrowDamaged(const std::filesystem::path& path, const std::string& what);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_FILES_H_
