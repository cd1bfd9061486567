// Connections through which nothing comes any more, although nobody has closed them: a firewall, a
// NAT or a hypervisor has forgotten them. New ones work.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "tests/faults/proxy.h"
#include "tests/support/operator.h"
#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

// What the worker gives each call: longer than any of the bounds below.
constexpr std::chrono::seconds kPatience{90};

// A worker that adds 1 to all of a variable over the network, through `proxy`.
class Counter {
 public:
  explicit Counter(const Proxy& proxy, const std::string& id = "w", int64_t elements = 1)
      : graph_(proxy.target(), {.worker_id = id,
                                .sharing = SharingMode::kReplicated,
                                .timeout = kPatience,
                                .transport = TransportMode::kTarget}) {
    const auto use = graph_.as_default();
    add_ = get_variable("w", {.shape = Shape{elements}, .initializer = zeros_initializer()})
               .assign_add(ones({elements}));
    session_ = std::make_unique<Session>();
  }
  float Add() { return session_->run(add_).values<float>().back(); }
  Session& session() { return *session_; }

 private:
  Graph graph_;
  Output add_;
  std::unique_ptr<Session> session_;
};

size_t SocketsOf(pid_t process) {
  size_t sockets = 0;
  const std::filesystem::path all = "/proc/" + std::to_string(process) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(all)) {
    std::error_code gone;
    const std::string is = std::filesystem::read_symlink(entry, gone).string();
    if (is.starts_with("socket:")) ++sockets;
  }
  return sockets;
}

void WaitUntil(const std::string& what, const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("waited until " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// A heartbeat without an answer tells, long before the lease is over.
TEST(SilenceTest, AWorkersNextRunSucceedsAndItsLeaseHolds) {
  ServerProcess server({"--lease-seconds", "15"});
  Operator op(server.target());
  Proxy proxy(server.port(), {}, 1);
  Counter worker(proxy);
  EXPECT_EQ(worker.Add(), 1);
  const uint64_t incarnation = op.IncarnationOf("w");
  for (int i = 2; i < 4; ++i) {
    proxy.SilenceAll();
    EXPECT_EQ(worker.Add(), i);
    EXPECT_EQ(op.IncarnationOf("w"), incarnation) << "it was evicted meanwhile";
  }
}

// What is sent is more than the system takes on its way to nowhere.
TEST(SilenceTest, ALargePushThatIsStuckIsSentAgain) {
  ServerProcess server({"--lease-seconds", "15"});
  Proxy proxy(server.port(), {}, 1);
  Counter worker(proxy, "w", int64_t{8} << 20);
  EXPECT_EQ(worker.Add(), 1);
  proxy.SilenceAll();
  EXPECT_EQ(worker.Add(), 2);
  EXPECT_EQ(worker.Add(), 3);
}

// Without leases there are no heartbeats: gRPC's own pings tell, to both sides.
TEST(SilenceTest, WithoutHeartbeatsBothSidesNoticeByPings) {
  ServerProcess server({"--lease-seconds", "0"});
  const size_t without = SocketsOf(server.process().pid());
  Proxy proxy(server.port(), {}, 1);
  {
    Counter worker(proxy);
    EXPECT_EQ(worker.Add(), 1);
    proxy.SilenceAll();
    EXPECT_EQ(worker.Add(), 2);
  }
  // The proxy closes none of the silent ones.
  WaitUntil("the server has closed its connections",
            [&] { return SocketsOf(server.process().pid()) <= without; });
}

// Both have come, and the answer is on its way to neither.
TEST(SilenceTest, ABarrierWhoseAnswersAreLostIsPassedOnce) {
  ServerProcess server({"--lease-seconds", "15"});
  Operator op(server.target());
  Proxy proxy(server.port(), {}, 1);
  Counter a(proxy, "a");
  Counter b(proxy, "b");
  const auto pass = [](Counter& worker) {
    return std::async(std::launch::async, [&] { worker.session().barrier("b", 2); });
  };
  for (int round = 0; round < 2; ++round) {
    std::future<void> first = pass(a);
    WaitUntil("a waits", [&] { return !op.WaitsOf("a").empty(); });
    proxy.HoldAnswersAfter(0);
    std::future<void> second = pass(b);
    WaitUntil("the round is complete", [&] { return op.WaitsOf("a").empty(); });
    proxy.SilenceAll();
    proxy.ReleaseAnswers();
    EXPECT_NO_THROW(first.get());
    EXPECT_NO_THROW(second.get());
  }
  // Whoever comes now waits for the other.
  EXPECT_THROW(a.session().barrier("b", 2, std::chrono::milliseconds(50)), DeadlineExceededError);
}

}  // namespace
}  // namespace varscope::testing
