// A TCP proxy that misbehaves on purpose: between workers and the server it cuts connections at
// random bytes, in either direction, and delays what it forwards.
#ifndef VARSCOPE_TESTS_FAULTS_PROXY_H_
#define VARSCOPE_TESTS_FAULTS_PROXY_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <list>
#include <mutex>
#include <random>
#include <string>
#include <thread>

namespace varscope::testing {

struct ProxyFaults {
  // A connection is cut after this many bytes on average; 0: never.
  uint64_t mean_bytes_until_cut = 0;
  // What is forwarded waits up to this long.
  int max_delay_ms = 0;
  // So many of four connections are repeated: the server gets all bytes of the client a second time
  // over a connection of their own, whose answers nobody hears.
  uint32_t duplicates_of_four = 0;
};

// One thread for each connection. Thread-safe.
class Proxy {
 public:
  // Listens on a free loopback port and connects to 127.0.0.1:`port`. Throws std::system_error.
  Proxy(int port, ProxyFaults faults, uint32_t seed);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }
  // From now on nothing is cut or delayed.
  void BeKind() { kind_ = true; }
  // From now on so many bytes of the server's still come through, then none until ReleaseAnswers.
  void HoldAnswersAfter(int64_t bytes) { answers_left_ = bytes; }
  void ReleaseAnswers() { answers_left_ = std::numeric_limits<int64_t>::max(); }
  // All connections that there are.
  void CutAll() { ++generation_; }
  // They stay open, but nothing comes through them any more, not even their end, as when a firewall
  // has forgotten them. New ones work.
  void SilenceAll() { silenced_ = born_.load(); }
  uint64_t cuts() const { return cuts_; }
  uint64_t duplicates() const { return duplicates_; }

 private:
  void Accept();
  void Serve(int client, uint64_t number, uint32_t seed);
  void SendAgain(const std::string& bytes);

  const int to_port_;
  const ProxyFaults faults_;
  std::mt19937 random_;  // of the accepting thread
  std::atomic<bool> kind_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> answers_left_{std::numeric_limits<int64_t>::max()};
  std::atomic<uint64_t> generation_{0};  // connections of an earlier one end
  std::atomic<uint64_t> born_{0};        // connections so far
  std::atomic<uint64_t> silenced_{0};    // so many of the first pass nothing
  std::atomic<uint64_t> cuts_{0};
  std::atomic<uint64_t> duplicates_{0};
  int listener_ = -1;
  int port_ = 0;
  std::list<std::thread> connections_;  // of the accepting thread
  std::thread acceptor_;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_FAULTS_PROXY_H_
