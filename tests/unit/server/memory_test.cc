// How much memory the server takes to be its own, from files as the kernel writes them.
#include "server/memory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace varscope::server {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class MemoryTest : public ::testing::Test {
 protected:
  MemoryTest() { Put("proc/meminfo", "MemTotal:    4096000 kB\nMemFree:    1000 kB\n"); }

  void Put(const std::string& file, const std::string& text) {
    const std::filesystem::path path = root_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  uint64_t Memory() const { return MemoryOf(root_.path()); }

  const testing::TemporaryDirectory root_;
};

TEST_F(MemoryTest, TheMachinesWithoutALimit) {
  EXPECT_EQ(Memory(), 4000 * kMiB);
  Put("proc/self/cgroup", "0::/user.slice\n");
  Put("sys/fs/cgroup/user.slice/memory.max", "max\n");
  EXPECT_EQ(Memory(), 4000 * kMiB);
}

TEST_F(MemoryTest, OfTheProcesssOwnGroup) {
  Put("proc/self/cgroup", "0::/system.slice/varscoped.service\n");
  Put("sys/fs/cgroup/system.slice/varscoped.service/memory.max", "209715200\n");
  EXPECT_EQ(Memory(), 200 * kMiB);
}

TEST_F(MemoryTest, OfTheGroupsAroundIt) {
  Put("proc/self/cgroup", "0::/a/b/c\n");
  Put("sys/fs/cgroup/a/memory.max", "104857600\n");
  Put("sys/fs/cgroup/a/b/memory.max", "209715200\n");
  Put("sys/fs/cgroup/a/b/c/memory.max", "max\n");
  EXPECT_EQ(Memory(), 100 * kMiB);
}

// The container sees its own group as the top.
TEST_F(MemoryTest, OfAContainerWithItsOwnNamespace) {
  Put("proc/self/cgroup", "0::/\n");
  Put("sys/fs/cgroup/memory.max", "209715200\n");
  EXPECT_EQ(Memory(), 200 * kMiB);
}

// Its path is that of the host, which is not to be seen.
TEST_F(MemoryTest, OfAContainerWithoutOne) {
  Put("proc/self/cgroup", "5:cpu:/docker/0123\n4:memory:/docker/0123\n0::/docker/0123\n");
  Put("sys/fs/cgroup/memory/memory.limit_in_bytes", "209715200\n");
  EXPECT_EQ(Memory(), 200 * kMiB);
}

TEST_F(MemoryTest, OfVersionOne) {
  Put("proc/self/cgroup", "11:cpuset:/\n7:hugetlb,memory:/a/b\n1:name=systemd:/a:b\n");
  Put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Memory(), 4000 * kMiB);
  Put("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "314572800\n");
  EXPECT_EQ(Memory(), 300 * kMiB);
}

TEST_F(MemoryTest, WhatIsNoFileOfTheKernelsIsNoLimit) {
  Put("proc/self/cgroup", "nonsense\n\n::\n0::/a\n");
  Put("sys/fs/cgroup/a/memory.max", "");
  EXPECT_EQ(Memory(), 4000 * kMiB);
}

TEST(UsableMemoryTest, IsSomeOfThisMachines) {
  EXPECT_GT(UsableMemory(), kMiB);
  EXPECT_LE(UsableMemory(), MemoryOf("/"));
}

}  // namespace
}  // namespace varscope::server
