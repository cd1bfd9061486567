#include "server/rpc/accept_loop.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/limited_log.h"
#include "server/rpc/descriptors.h"

namespace varscope::server {
namespace {

// Before asking again for what the system did not have.
constexpr int kPauseMilliseconds = 100;

// Errors of the one connection, which is gone: see accept(2).
bool ConcernsConnection(int error) {
  switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

constinit LimitedLog connection_log;

}  // namespace

absl::StatusOr<std::unique_ptr<AcceptLoop>> AcceptLoop::Start(
    std::vector<shm::FileDescriptor> listening, Take take) {
  for (const shm::FileDescriptor& socket : listening) {
    // Whoever connected may be gone when it is asked for.
    fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  }
  shm::FileDescriptor stop(eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return absl::UnavailableError(std::strerror(errno));
  try {
    return std::unique_ptr<AcceptLoop>(
        new AcceptLoop(std::move(listening), std::move(stop), std::move(take)));
  } catch (const std::system_error& error) {
    return absl::UnavailableError(absl::StrCat("no thread to accept connections: ", error.what()));
  }
}

AcceptLoop::AcceptLoop(std::vector<shm::FileDescriptor> listening, shm::FileDescriptor stop,
                       Take take)
    : listening_(std::move(listening)),
      stop_(std::move(stop)),
      take_(std::move(take)),
      descriptor_limit_(ConnectionDescriptorLimit()),
      thread_([this, awaited = Awaited()]() mutable { Run(std::move(awaited)); }) {}

AcceptLoop::~AcceptLoop() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::vector<pollfd> AcceptLoop::Awaited() const {
  std::vector<pollfd> awaited = {pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
  for (const shm::FileDescriptor& socket : listening_) {
    awaited.push_back({.fd = socket.get(), .events = POLLIN, .revents = 0});
  }
  return awaited;
}

void AcceptLoop::Run(std::vector<pollfd> awaited) noexcept {
  for (;;) {
    if (poll(awaited.data(), awaited.size(), /*timeout=*/-1) < 0) {
      // Only its memory may be missing.
      if (errno != EINTR) poll(nullptr, 0, kPauseMilliseconds);
      continue;
    }
    if (awaited.front().revents != 0) return;
    bool had_all = true;
    for (size_t i = 1; i < awaited.size(); ++i) {
      if (awaited[i].revents != 0 && !AcceptOne(awaited[i].fd)) had_all = false;
    }
    if (!had_all) poll(awaited.data(), 1, kPauseMilliseconds);
  }
}

bool AcceptLoop::AcceptOne(int listening) const noexcept {
  shm::FileDescriptor connection(
      accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const int error = errno;
  if (!connection.valid()) {
    if (ConcernsConnection(error)) return true;
    connection_log.Warn("a connection waits: ", std::strerror(error));
    return false;
  }
  if (connection.get() >= descriptor_limit_) {
    connection_log.Warn("a connection was closed at once: ", descriptor_limit_,
                        " descriptors are open, and the rest is the server's own; raise the limit "
                        "(ulimit -n) or have fewer workers");
    return true;
  }
  try {
    take_(std::move(connection), listening);
  } catch (const std::bad_alloc&) {
    connection_log.Warn("a connection was closed at once: there is no memory for it");
  }
  return true;
}

}  // namespace varscope::server
