// A file descriptor that belongs to its owner.
#ifndef VARSCOPE_PROTO_SHM_FILE_DESCRIPTOR_H_
#define VARSCOPE_PROTO_SHM_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace varscope::shm {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // It belongs to the caller from now on.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace varscope::shm

#endif  // VARSCOPE_PROTO_SHM_FILE_DESCRIPTOR_H_
