// What the system may lack or take away while the server serves: descriptors, threads, somebody who
// reads its log.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "proto/shm/file_descriptor.h"
#include "tests/support/operator.h"
#include "tests/support/programs.h"
#include "tests/support/sanitizer.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using shm::FileDescriptor;

constexpr std::chrono::seconds kSoon{60};

ConnectOptions With(TransportMode transport = TransportMode::kAuto) {
  return {.sharing = SharingMode::kReplicated, .timeout = kSoon, .transport = transport};
}

// A worker that connects, adds 1 to a variable, and goes.
float AddOne(const std::string& target, TransportMode transport = TransportMode::kAuto) {
  Graph graph(target, With(transport));
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
  Session session;
  session.run(w.assign_add(constant(1.0F)).op());
  return session.run(w).scalar<float>();
}

// Pushes that the server refuses, and logs.
void PushWhatIsRefused(const std::string& target, int times) {
  Graph graph(target, With());
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
  Session session;
  const Operation push = w.assign_add(constant(std::numeric_limits<float>::infinity())).op();
  for (int i = 0; i < times; ++i) EXPECT_THROW(session.run(push), InvalidArgumentError);
}

FileDescriptor ConnectTo(int port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET,
                      .sin_port = htons(port),
                      .sin_addr = {htonl(INADDR_LOOPBACK)},
                      .sin_zero = {}};
  EXPECT_EQ(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return socket;
}

// Whether the server has not closed the connection.
bool IsOpen(const FileDescriptor& socket) {
  char byte = 0;
  return recv(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
}

std::vector<std::string> Limited(const std::string& limit) {
  return {"/bin/sh", "-c", "ulimit " + limit + "; exec \"$@\"", "sh"};
}

TEST(ScarcityTest, ServesAgainAfterMoreConnectionsThanDescriptors) {
  for (const int connections : {60, 500}) {
    ServerProcess server({}, {.through = Limited("-n 40")});
    EXPECT_EQ(AddOne(server.target()), 1);
    {
      std::vector<FileDescriptor> storm;
      while (storm.size() < static_cast<size_t>(connections)) {
        storm.push_back(ConnectTo(server.port()));
      }
    }
    EXPECT_EQ(AddOne(server.target()), 2);
    EXPECT_EQ(AddOne(server.target(), TransportMode::kTarget), 3);
    EXPECT_EQ(server.Stop(), 0);
  }
}

TEST(ScarcityTest, IdleConnectionsLeaveTheLogItsDescriptors) {
  const TemporaryDirectory folder;
  ServerProcess server({"--data-dir", folder / "data"}, {.through = Limited("-n 48")});
  EXPECT_EQ(AddOne(server.target()), 1);
  Graph graph(server.target(), With());
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
  Session session;
  Operator ctl(server.target());
  ctl.Snapshot();
  std::vector<FileDescriptor> storm;
  while (storm.size() < 100) storm.push_back(ConnectTo(server.port()));
  // All that will be closed are, when the last is.
  const auto until = std::chrono::steady_clock::now() + kSoon;
  while (IsOpen(storm.back()) && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  for (int i = 0; i < 3; ++i) {
    session.run(w.assign_add(constant(1.0F)).op());
    // The next change begins a new segment of the log.
    ctl.Snapshot();
  }
  EXPECT_EQ(session.run(w).scalar<float>(), 4);
  storm.clear();
  EXPECT_EQ(server.Stop(), 0);
}

TEST(ScarcityTest, TheSoftLimitOfDescriptorsIsRaised) {
  ServerProcess server({}, {.through = Limited("-S -n 40")});
  std::vector<FileDescriptor> many;
  while (many.size() < 200) many.push_back(ConnectTo(server.port()));
  EXPECT_EQ(AddOne(server.target()), 1);
  for (const FileDescriptor& connection : many) EXPECT_TRUE(IsOpen(connection));
}

class ScarceSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (IsSanitized()) GTEST_SKIP() << "a sanitizer's runtime must be the first library";
  }
  Launch Preloaded() const {
    return {.through = {"/usr/bin/env",
                        std::string("LD_PRELOAD=") + Built("tests/libvarscope_scarce_system.so"),
                        "VARSCOPE_TEST_SCARCE=" + folder_.path().string()}};
  }
  void Lack(const std::string& what, int error) const {
    // At once, not a file that is empty yet.
    std::ofstream(folder_ / "new") << error;
    std::filesystem::rename(folder_ / "new", folder_ / what);
  }
  void Have(const std::string& what) const { std::filesystem::remove(folder_ / what); }
  // Whether a call has failed for that since the last time: the server may make another one.
  bool Failed(const std::string& what) const {
    return std::filesystem::remove(folder_ / (what + ".failed"));
  }

  const TemporaryDirectory folder_;
};

TEST_F(ScarceSystemTest, NoErrorOfAcceptEndsTheListener) {
  ServerProcess server({}, Preloaded());
  float sum = 0;
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, ECONNABORTED, EPROTO, ENETDOWN,
                          EHOSTUNREACH, EINVAL, EINTR}) {
    Lack("accept", error);
    // Two on the address, and one for shared memory: that worker waits.
    const FileDescriptor first = ConnectTo(server.port());
    const FileDescriptor second = ConnectTo(server.port());
    std::future<float> worker =
        std::async(std::launch::async, [&] { return AddOne(server.target()); });
    const auto until = std::chrono::steady_clock::now() + kSoon;
    bool failed = false;
    while (!(failed = Failed("accept")) && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    EXPECT_TRUE(failed);
    Have("accept");
    EXPECT_EQ(worker.get(), sum + 1);
    EXPECT_EQ(AddOne(server.target(), TransportMode::kTarget), sum + 2);
    sum += 2;
  }
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(ScarceSystemTest, WithoutAThreadWorkersGoOnWithoutSharedMemory) {
  ServerProcess server({}, Preloaded());
  for (int i = 1; i < 5; ++i) {
    Graph graph(server.target(), With());
    const auto use = graph.as_default();
    const Variable w = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
    Session session;
    const Operation add = w.assign_add(constant(1.0F)).op();
    Lack("threads", EAGAIN);
    session.run(add);
    EXPECT_EQ(session.run(w).scalar<float>(), i);
    Have("threads");
    EXPECT_TRUE(Failed("threads"));
  }
  EXPECT_EQ(AddOne(server.target()), 5);
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(ScarceSystemTest, WithoutAThreadALargePushIsCarriedOutOnOne) {
  ServerProcess server({}, Preloaded());
  for (const TransportMode transport : {TransportMode::kTarget, TransportMode::kAuto}) {
    Graph graph(server.target(), With(transport));
    const auto use = graph.as_default();
    const Variable w =
        get_variable("large", {.shape = Shape{4 << 20}, .initializer = ones_initializer()});
    Session session;
    const Operation train = train::GradientDescentOptimizer(0.1).minimize(reduce_sum(w));
    Lack("threads", EAGAIN);
    session.run(train);
    session.run(reduce_sum(w));
    Have("threads");
    EXPECT_TRUE(Failed("threads"));
  }
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(ScarceSystemTest, WithoutAnyThreadTheServerSaysSoAndEnds) {
  Lack("threads", EAGAIN);
  std::vector<std::string> arguments = Preloaded().through;
  arguments.insert(arguments.end(), {Built("bin/varscoped"), "--listen", "127.0.0.1:0"});
  const Finished ended = RunToEnd(arguments);
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.error, ::testing::HasSubstr("no thread"));
}

// A pipe whose ends are this process's.
struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    read = FileDescriptor(ends[0]);
    write = FileDescriptor(ends[1]);
  }
  // So that nobody can write into it without waiting.
  void Fill() const {
    const std::string block(4096, '.');
    const int flags = fcntl(write.get(), F_GETFL);
    fcntl(write.get(), F_SETFL, flags | O_NONBLOCK);
    while (::write(write.get(), block.data(), block.size()) > 0) continue;
    while (::write(write.get(), block.data(), 1) > 0) continue;
    fcntl(write.get(), F_SETFL, flags);
  }
  FileDescriptor read;
  FileDescriptor write;
};

bool HasSnapshot(const std::filesystem::path& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename().string().rfind("snapshot-", 0) == 0) return true;
  }
  return false;
}

// Serves, pushes go on and are refused, and it stops with a snapshot, whatever happens to its log.
void ExpectUnimpressed(const Launch& launch, int signal = SIGTERM) {
  const TemporaryDirectory folder;
  ServerProcess server({"--data-dir", folder / "data", "--durability", "none"}, launch);
  EXPECT_EQ(AddOne(server.target()), 1);
  PushWhatIsRefused(server.target(), 200);
  EXPECT_EQ(AddOne(server.target()), 2);
  EXPECT_FALSE(HasSnapshot(folder / "data"));
  server.process().Signal(signal);
  EXPECT_EQ(server.process().Wait(), 0);
  EXPECT_TRUE(HasSnapshot(folder / "data"));
}

TEST(LogTest, APipeThatNobodyReadsAnyMoreDoesNotEndTheServer) {
  Pipe pipe;
  pipe.read = FileDescriptor();
  ExpectUnimpressed({.error = pipe.write.get(), .log_level = "info"});
}

TEST(LogTest, APipeThatIsFullDoesNotHoldTheServerUp) {
  Pipe pipe;
  pipe.Fill();
  ExpectUnimpressed({.error = pipe.write.get(), .log_level = "info"});
}

TEST(LogTest, APipeThatFillsUpDoesNotHoldTheServerUp) {
  const Pipe pipe;
  fcntl(pipe.write.get(), F_SETPIPE_SZ, 4096);
  ExpectUnimpressed({.error = pipe.write.get(), .log_level = "trace"});
}

TEST(LogTest, AFullOrMissingDeviceIsNoReasonToEnd) {
  const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full.valid());
  ExpectUnimpressed({.error = full.get(), .log_level = "info"});
  const FileDescriptor unwritable(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ExpectUnimpressed({.error = unwritable.get(), .log_level = "info"});
}

TEST(LogTest, DescriptorsThatWereClosedAreNotAnotherFiles) {
  for (const char* closed : {"2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"}) {
    const Launch launch{.through = {"/bin/sh", "-c", std::string("exec \"$@\" ") + closed, "sh"},
                        .log_level = "info"};
    ExpectUnimpressed(launch);
    const TemporaryDirectory folder;
    ServerProcess server({"--data-dir", folder / "data"}, launch);
    const std::string fds = "/proc/" + std::to_string(server.process().pid()) + "/fd/";
    EXPECT_EQ(std::filesystem::read_symlink(fds + "2"), "/dev/null");
  }
}

TEST(LogTest, ASizeLimitOfFilesIsAnErrorOfTheWrite) {
  const TemporaryDirectory folder;
  ServerProcess server({"--data-dir", folder / "data"}, {.through = Limited("-f 8")});
  Graph graph(server.target(), {.timeout = std::chrono::seconds(2)});
  const auto use = graph.as_default();
  const Variable w = get_variable("w", {.shape = Shape{1024}, .initializer = zeros_initializer()});
  Session session;
  const Operation push = w.assign_add(ones({1024})).op();
  EXPECT_THROW(
      {
        for (int i = 0; i < 20; ++i) session.run(push);
      },
      OpError);
  EXPECT_EQ(session.run(reduce_sum(w)).num_elements(), 1) << "reads go on";
}

TEST(SignalTest, ATerminalThatIsClosedStopsItCleanly) { ExpectUnimpressed({}, SIGHUP); }

TEST(SignalTest, NohupHolds) {
  ServerProcess server({}, {.through = {"/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh"}});
  server.process().Signal(SIGHUP);
  EXPECT_EQ(AddOne(server.target()), 1);
  EXPECT_EQ(server.Stop(), 0);
}

TEST(LogTest, RefusalsThatAnybodyCanCauseAreCountedNotWritten) {
  const FileDescriptor file(memfd_create("log", MFD_CLOEXEC));
  ServerProcess server({}, {.error = file.get(), .log_level = "info"});
  PushWhatIsRefused(server.target(), 2000);
  EXPECT_EQ(server.Stop(), 0);
  std::string log(lseek(file.get(), 0, SEEK_END), '\0');
  ASSERT_EQ(pread(file.get(), log.data(), log.size(), 0), static_cast<ssize_t>(log.size()));
  size_t lines = 0;
  for (size_t at = 0; (at = log.find("push refused", at)) != std::string::npos; ++at) ++lines;
  EXPECT_GE(lines, 20U);
  EXPECT_LT(lines, 2000U);
  EXPECT_THAT(log, ::testing::HasSubstr("stopped after")) << "the last lines are written";
}

}  // namespace
}  // namespace varscope::testing
