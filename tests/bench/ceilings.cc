#include "tests/bench/ceilings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace varscope::bench {
namespace {

void ReadAll(int fd, char* into, uint64_t size) {
  while (size > 0) {
    const ssize_t n = recv(fd, into, size, 0);
    if (n <= 0) throw std::runtime_error("the other side of a socket is gone");
    into += n;
    size -= n;
  }
}

void WriteAll(int fd, const char* from, uint64_t size) {
  while (size > 0) {
    const ssize_t n = send(fd, from, size, MSG_NOSIGNAL);
    if (n <= 0) throw std::runtime_error("the other side of a socket is gone");
    from += n;
    size -= n;
  }
}

std::pair<int, int> TcpPair() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, any, length) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, any, &length) != 0 || connect(client, any, length) != 0) {
    throw std::runtime_error("no TCP on the loopback");
  }
  const int server = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  close(listener);
  const int on = 1;
  for (int fd : {client, server}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return {client, server};
}

std::pair<int, int> UnixPair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error("no Unix sockets");
  }
  return {ends[0], ends[1]};
}

// A process that answers each 8-byte size with as many bytes.
class Answerer {
 public:
  Answerer(std::pair<int, int> ends, uint64_t largest) : fd_(ends.first) {
    pid_ = fork();
    if (pid_ == 0) {
      close(ends.first);
      Answer(ends.second, largest);
    }
    close(ends.second);
  }
  ~Answerer() {
    close(fd_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;
  int fd() const { return fd_; }
  pid_t pid() const { return pid_; }

 private:
  [[noreturn]] static void Answer(int fd, uint64_t largest) {
    const std::vector<char> bytes(largest, 'x');
    try {
      for (uint64_t size = 0;;) {
        ReadAll(fd, reinterpret_cast<char*>(&size), sizeof(size));
        WriteAll(fd, bytes.data(), size);
      }
    } catch (const std::exception&) {
      _exit(0);
    }
  }
  int fd_;
  pid_t pid_ = -1;
};

}  // namespace

std::vector<Result> MeasureCeilings(const std::vector<uint64_t>& sizes, const Effort& effort) {
  const uint64_t largest = *std::max_element(sizes.begin(), sizes.end());
  std::vector<Result> results;
  std::vector<char> from(largest, 'x');
  std::vector<char> to(largest, 'y');
  for (uint64_t size : sizes) {
    results.push_back(
        Measure({.what = "memcpy", .transport = "memory", .bytes = size}, effort, 0, [&] {
          std::memcpy(to.data(), from.data(), size);
          asm volatile("" : : "r"(to.data()) : "memory");
        }));
  }
  for (const bool tcp : {true, false}) {
    const Answerer answerer(tcp ? TcpPair() : UnixPair(), largest);
    for (uint64_t size : sizes) {
      results.push_back(
          Measure({.what = "socket", .transport = tcp ? "tcp" : "unix", .bytes = size}, effort,
                  answerer.pid(), [&] {
                    WriteAll(answerer.fd(), reinterpret_cast<const char*>(&size), sizeof(size));
                    ReadAll(answerer.fd(), to.data(), size);
                  }));
    }
  }
  return results;
}

}  // namespace varscope::bench
