// The names in a directory.
#ifndef VARSCOPE_SERVER_ENV_OPEN_DIRECTORY_H_
#define VARSCOPE_SERVER_ENV_OPEN_DIRECTORY_H_

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace varscope::server {

// Takes no memory of C++'s: std::filesystem's iterators end the process where there is none for a
// name. Not thread-safe.
class OpenDirectory {
 public:
  explicit OpenDirectory(const char* path)
      : directory_(opendir(path)), error_(directory_ == nullptr ? errno : 0) {}
  // Of the directory that this descriptor is of, which stays its owner's.
  explicit OpenDirectory(int directory)
      : directory_(Again(directory)), error_(directory_ == nullptr ? errno : 0) {}

  // Returns the next name but "." and "..", good until the next call; null: there is none, or an
  // error.
  const char* Next() {
    while (directory_ != nullptr && error_ == 0) {
      errno = 0;
      const dirent* const entry = readdir(directory_.get());
      if (entry == nullptr) {
        error_ = errno;
        return nullptr;
      }
      const char* const name = entry->d_name;
      if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) return name;
    }
    return nullptr;
  }
  // The system's, of the opening or of the last Next; 0: none.
  int error() const { return error_; }

 private:
  struct Close {
    void operator()(DIR* directory) const { closedir(directory); }
  };

  // With a place of its own, so that several may read the names at a time.
  static DIR* Again(int directory) {
    const int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* const opened = fd < 0 ? nullptr : fdopendir(fd);
    if (opened != nullptr || fd < 0) return opened;
    const int error = errno;
    close(fd);
    errno = error;
    return nullptr;
  }

  std::unique_ptr<DIR, Close> directory_;
  int error_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_ENV_OPEN_DIRECTORY_H_
