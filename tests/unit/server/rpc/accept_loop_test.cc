// Connections when descriptors, or memory, are short.
#include "server/rpc/accept_loop.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "proto/shm/file_descriptor.h"
#include "server/limited_log.h"
#include "server/rpc/descriptors.h"
#include "server/rpc/listen.h"
#include "tests/support/connect_to.h"
#include "tests/support/sanitizer.h"
#include "tests/unit/server/failing_memory.h"

namespace varscope::server {
namespace {

using varscope::testing::ConnectTo;

// The soft limit of descriptors, lower while it lives.
class LowLimit {
 public:
  explicit LowLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lower{.rlim_cur = limit, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~LowLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(AcceptLoopTest, ConnectionsLeaveTheReserveAloneAndComeAgain) {
  Listening listening = Listen("127.0.0.1:0").value();
  const int port = listening.port;
  // The first time that UBSan sees an object of the log's class, it needs a descriptor itself.
  LimitedLog().Warn("descriptors will be short");
  const LowLimit limit(200);
  std::mutex mutex;
  std::vector<shm::FileDescriptor> accepted;
  std::promise<void> last;
  bool awaits_last = false;
  const auto loop = AcceptLoop::Start(std::move(listening.sockets), [&](auto connection, int) {
    std::lock_guard lock(mutex);
    if (awaits_last) last.set_value();
    awaits_last = false;
    accepted.push_back(std::move(connection));
  });
  ASSERT_TRUE(loop.ok()) << loop.status();
  {
    // Both ends are in this process: together they want more than there are.
    std::vector<shm::FileDescriptor> peers;
    while (peers.size() < 300) {
      peers.push_back(ConnectTo(AF_INET, "127.0.0.1", port));
      if (!peers.back().valid()) break;
    }
    std::lock_guard lock(mutex);
    for (const shm::FileDescriptor& connection : accepted) {
      EXPECT_LT(connection.get(), ConnectionDescriptorLimit());
    }
    accepted.clear();
    awaits_last = true;
  }
  const shm::FileDescriptor again = ConnectTo(AF_INET, "127.0.0.1", port);
  ASSERT_TRUE(again.valid());
  EXPECT_EQ(last.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

TEST(AcceptLoopTest, AConnectionForWhichThereIsNoMemoryIsClosedWithoutAny) {
  if (varscope::testing::IsSanitized())
    GTEST_SKIP() << "the sanitizers have their own operator new";
  for (uint64_t times = 1; times <= 4; ++times) {
    Listening listening = Listen("127.0.0.1:0").value();
    const int port = listening.port;
    int taken = 0;
    std::promise<void> second;
    const auto loop = AcceptLoop::Start(std::move(listening.sockets), [&](auto, int) {
      if (++taken == 1) throw std::bad_alloc();
      if (taken == 2) second.set_value();
    });
    ASSERT_TRUE(loop.ok()) << loop.status();
    const varscope::testing::FailingMemoryOfOthers failing(0, times);
    const shm::FileDescriptor closed = ConnectTo(AF_INET, "127.0.0.1", port);
    const shm::FileDescriptor again = ConnectTo(AF_INET, "127.0.0.1", port);
    EXPECT_EQ(second.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  }
}

TEST(AcceptLoopTest, EndsWhileConnectionsCome) {
  for (int i = 0; i < 50; ++i) {
    Listening listening = Listen("127.0.0.1:0").value();
    const shm::FileDescriptor peer = ConnectTo(AF_INET, "127.0.0.1", listening.port);
    const auto loop = AcceptLoop::Start(std::move(listening.sockets), [](auto, int) {});
    EXPECT_TRUE(loop.ok());
  }
}

}  // namespace
}  // namespace varscope::server
