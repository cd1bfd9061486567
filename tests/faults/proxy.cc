#include "tests/faults/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <system_error>

namespace varscope::testing {
namespace {

constexpr int kPollMilliseconds = 20;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

bool WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    data += n;
    size -= n;
  }
  return true;
}

// Runs a function at the end of a scope.
class Again {
 public:
  explicit Again(std::function<void()> run) : run_(std::move(run)) {}
  ~Again() { run_(); }
  Again(const Again&) = delete;
  Again& operator=(const Again&) = delete;

 private:
  const std::function<void()> run_;
};

}  // namespace

Proxy::Proxy(int port, ProxyFaults faults, uint32_t seed)
    : to_port_(port), faults_(faults), random_(seed) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, any, length) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, any, &length) != 0) {
    throw std::system_error(errno, std::generic_category(), "proxy");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

Proxy::~Proxy() {
  stopping_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  close(listener_);
}

void Proxy::Accept() {
  while (!stopping_) {
    pollfd readable{listener_, POLLIN, 0};
    if (poll(&readable, 1, kPollMilliseconds) != 1) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    connections_.emplace_back(
        [this, client, number = ++born_, seed = random_()] { Serve(client, number, seed); });
  }
}

void Proxy::SendAgain(const std::string& bytes) {
  const Socket to(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(to_port_);
  if (connect(to.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return;
  ++duplicates_;
  std::array<char, 16384> buffer{};
  size_t at = 0;
  while (at < bytes.size() && !stopping_) {
    pollfd end{to.fd(), POLLIN | POLLOUT, 0};
    if (poll(&end, 1, kPollMilliseconds) <= 0) continue;
    if ((end.revents & POLLIN) != 0 && recv(to.fd(), buffer.data(), buffer.size(), 0) <= 0) return;
    if ((end.revents & POLLOUT) == 0) continue;
    const size_t n = std::min<size_t>(bytes.size() - at, buffer.size());
    if (!WriteAll(to.fd(), bytes.data() + at, n)) return;
    at += n;
  }
  // The server has answered what it wants to answer when it is silent for a while.
  for (pollfd end{to.fd(), POLLIN, 0}; poll(&end, 1, kPollMilliseconds) == 1;) {
    if (recv(to.fd(), buffer.data(), buffer.size(), 0) <= 0) return;
  }
}

void Proxy::Serve(int client, uint64_t number, uint32_t seed) {
  const uint64_t born = generation_;
  std::mt19937 random(seed);
  const Socket from(client);
  const Socket to(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(to_port_);
  if (connect(to.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return;
  // What the client has sent, when it is to arrive again.
  const bool twice = random() % 4 < faults_.duplicates_of_four;
  std::string sent;
  const Again again([&] {
    if (twice && !sent.empty()) SendAgain(sent);
  });
  std::exponential_distribution<double> until_cut(
      1.0 / static_cast<double>(std::max<uint64_t>(faults_.mean_bytes_until_cut, 1)));
  double left = until_cut(random);
  std::array<char, 16384> buffer{};
  while (!stopping_ && generation_ == born) {
    if (number <= silenced_) {
      poll(nullptr, 0, kPollMilliseconds);
      continue;
    }
    // A negative descriptor is passed over.
    const bool held = answers_left_ <= 0;
    pollfd ends[2] = {{from.fd(), POLLIN, 0}, {held ? -1 : to.fd(), POLLIN, 0}};
    if (poll(ends, 2, kPollMilliseconds) <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (ends[i].revents == 0) continue;
      ssize_t n = recv(ends[i].fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) return;
      if (i == 1) answers_left_ -= n;
      const bool cut = !kind_ && faults_.mean_bytes_until_cut > 0 && left < n;
      if (cut) n = static_cast<ssize_t>(left);
      left -= static_cast<double>(n);
      if (!kind_ && faults_.max_delay_ms > 0 && random() % 8 == 0) {
        poll(nullptr, 0, static_cast<int>(random() % (faults_.max_delay_ms + 1)));
      }
      if (i == 0 && twice) sent.append(buffer.data(), n);
      if (!WriteAll(ends[1 - i].fd, buffer.data(), n)) return;
      if (cut) {
        ++cuts_;
        return;
      }
    }
  }
}

}  // namespace varscope::testing
