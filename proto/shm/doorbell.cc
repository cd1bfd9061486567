#include "proto/shm/doorbell.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace varscope::shm {
namespace {

struct Address {
  sockaddr_un un{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&un); }
};

// An abstract name begins with a zero byte and has no end but its length.
absl::StatusOr<Address> AbstractAddress(const std::string& name) {
  Address address;
  if (name.empty() || name.size() >= sizeof(address.un.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("no name for a socket: '", name, "'"));
  }
  address.un.sun_family = AF_UNIX;
  std::memcpy(address.un.sun_path + 1, name.data(), name.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

FileDescriptor Socket() { return FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

int Milliseconds(Clock::time_point deadline) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(1);
  const Clock::time_point now = Clock::now();
  if (deadline <= now) return 0;
  if (deadline - now > kLongest) return static_cast<int>(kLongest.count());
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count());
}

// Room for one file descriptor beside a message.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

msghdr SocketMessage(iovec* byte, Control& control) {
  msghdr message{};
  message.msg_iov = byte;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  return message;
}

}  // namespace

absl::StatusOr<FileDescriptor> Listen(const std::string& name) {
  const absl::StatusOr<Address> address = AbstractAddress(name);
  if (!address.ok()) return address.status();
  FileDescriptor listening = Socket();
  if (!listening.valid() || bind(listening.get(), address->get(), address->size) != 0 ||
      listen(listening.get(), SOMAXCONN) != 0) {
    return absl::ErrnoToStatus(errno, "cannot listen on an abstract socket");
  }
  return listening;
}

absl::StatusOr<Doorbell> Doorbell::Connect(const std::string& name) {
  const absl::StatusOr<Address> address = AbstractAddress(name);
  if (!address.ok()) return address.status();
  FileDescriptor socket = Socket();
  if (!socket.valid() || connect(socket.get(), address->get(), address->size) != 0) {
    return absl::UnavailableError(absl::StrCat("nobody listens: ", std::strerror(errno)));
  }
  return Doorbell(std::move(socket));
}

void Doorbell::Ring() {
  // A full socket has rings that were not heard yet; a broken one is found by whoever waits.
  constexpr char kByte = 0;
  send(socket_.get(), &kByte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

absl::Status Doorbell::AwaitInput(Clock::time_point deadline) {
  while (Clock::now() < deadline) {
    pollfd wanted{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    const int ready = poll(&wanted, 1, Milliseconds(deadline));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
  }
  return absl::DeadlineExceededError("the other side of the shared memory does not answer");
}

absl::Status Doorbell::Wait(Clock::time_point deadline) {
  for (;;) {
    if (absl::Status status = AwaitInput(deadline); !status.ok()) return status;
    std::array<char, 64> rings;
    const ssize_t heard = recv(socket_.get(), rings.data(), rings.size(), MSG_DONTWAIT);
    if (heard > 0) return absl::OkStatus();
    if (heard < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    return absl::UnavailableError("the other side of the shared memory is gone");
  }
}

void Doorbell::HangUp() { shutdown(socket_.get(), SHUT_RDWR); }

absl::Status Doorbell::Send(const FileDescriptor& file) {
  char byte = 0;
  iovec data{.iov_base = &byte, .iov_len = 1};
  Control control;
  const msghdr message = SocketMessage(&data, control);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = file.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (sendmsg(socket_.get(), &message, MSG_NOSIGNAL) == 1) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "cannot hand over the shared memory");
}

absl::StatusOr<FileDescriptor> Doorbell::Receive(Clock::time_point deadline) {
  if (absl::Status status = AwaitInput(deadline); !status.ok()) return status;
  char byte = 0;
  iovec data{.iov_base = &byte, .iov_len = 1};
  Control control;
  msghdr message = SocketMessage(&data, control);
  const ssize_t received = recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const cmsghdr* const header = received == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
      header->cmsg_len != CMSG_LEN(sizeof(int))) {
    return absl::UnavailableError("no shared memory was handed over");
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return FileDescriptor(fd);
}

absl::StatusOr<uid_t> Doorbell::peer() const {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return absl::ErrnoToStatus(errno, "SO_PEERCRED");
  }
  return credentials.uid;
}

}  // namespace varscope::shm
