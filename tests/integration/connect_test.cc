// Why a worker cannot connect: said in one line, and at once where waiting cannot mend it.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "client/rpc/reason.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/support/programs.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Longer than a test may take: what ends at once has not waited for it.
constexpr std::chrono::milliseconds kForever = std::chrono::hours(1);

std::string WhyNot(const std::string& target, std::chrono::milliseconds timeout) {
  try {
    Graph graph(target, {.worker_id = "w", .timeout = timeout});
    return "it connects";
  } catch (const UnavailableError& error) {
    EXPECT_THAT(error.message(), AllOf(HasSubstr("worker 'w' cannot reach varscoped at " + target),
                                       Not(HasSubstr("\n"))));
    return error.message();
  }
}

// A server of another kind: answers each connection's first bytes with its own.
class OtherServer {
 public:
  explicit OtherServer(std::string answer) : answer_(std::move(answer)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 10), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    target_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~OtherServer() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  OtherServer(const OtherServer&) = delete;
  OtherServer& operator=(const OtherServer&) = delete;

  const std::string& target() const { return target_; }

 private:
  void Serve() {
    for (;;) {
      const int connection = accept(fd_, nullptr, nullptr);
      if (connection < 0) return;
      char byte = 0;
      if (recv(connection, &byte, 1, 0) > 0) {
        send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      // The rest of what came would make it a reset.
      shutdown(connection, SHUT_WR);
      char rest[1024];
      while (recv(connection, rest, sizeof(rest), 0) > 0) {
      }
      close(connection);
    }
  }

  const std::string answer_;
  const int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string target_;
  std::thread thread_;
};

TEST(ConnectReasonTest, WhatWaitingMayMend) {
  const TemporaryDirectory directory;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"127.0.0.1:1", "connection refused: nothing listens there"},
      {"nowhere.invalid:7077", "the host name"},
      {"unix:" + (directory / "s").string(), "there is no such socket"},
  };
  for (const auto& [target, why] : cases) {
    EXPECT_THAT(WhyNot(target, std::chrono::milliseconds(300)),
                AllOf(HasSubstr("within 0.3 s"), HasSubstr(why)));
  }
}

TEST(ConnectReasonTest, AServerThatIsStopped) {
  ServerProcess server;
  server.process().Signal(SIGSTOP);
  EXPECT_THAT(WhyNot(server.target(), std::chrono::milliseconds(2500)),
              AllOf(HasSubstr("within 2.5 s"), HasSubstr("answer"), HasSubstr("stopped")));
  server.process().Signal(SIGCONT);
  EXPECT_EQ(WhyNot(server.target(), std::chrono::minutes(1)), "it connects");
}

TEST(ConnectReasonTest, AServerOfAnotherKind) {
  for (const char* answer : {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                             "SSH-2.0-OpenSSH_9.2\r\n", "-ERR unknown command\r\n"}) {
    const OtherServer other(answer);
    EXPECT_THAT(WhyNot(other.target(), kForever),
                AllOf(HasSubstr("what listens there is not varscoped"), Not(HasSubstr("within"))));
  }
  grpc::health::v1::Health::Service service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  EXPECT_THAT(WhyNot("127.0.0.1:" + std::to_string(port), kForever),
              HasSubstr("what listens there is not varscoped"));
}

// As another user, because root may open every socket.
TEST(ConnectReasonTest, ASocketOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  const TemporaryDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms::all);
  const std::filesystem::path program = directory / "quickstart";
  std::filesystem::copy_file(Built("bin/varscope_quickstart"), program);
  std::filesystem::create_directory(directory / "private");
  std::filesystem::permissions(directory / "private", std::filesystem::perms::owner_all);
  const std::string target = "unix:" + (directory / "private" / "s").string();
  const ServerProcess server({"--listen", target});
  const Finished worker = RunToEnd({"/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                    "--clear-groups", program.string(), target});
  EXPECT_NE(worker.code, 0);
  EXPECT_THAT(worker.error, AllOf(HasSubstr("cannot reach varscoped at " + target),
                                  HasSubstr("permission denied"), Not(HasSubstr("within"))));
}

TEST(ConnectReasonTest, WhatIsNoAddress) {
  for (const char* target : {"", "localhost", "localhost:", ":7077", "127.0.0.1:0", "h:65536",
                             "http://h:7077", "unix:", "::1:7077"}) {
    EXPECT_THROW(Graph(target, {.timeout = kForever}), ValueError) << target;
  }
}

TEST(ConnectOptionsTest, ATimeoutThatNoCallCouldHaveIsRefused) {
  using std::chrono::milliseconds;
  const ServerProcess server;
  for (const milliseconds timeout : {milliseconds(0), milliseconds(-1), milliseconds::min(),
                                     milliseconds::max(), milliseconds(1'000'000'000'001)}) {
    EXPECT_THROW(Graph(server.target(), {.timeout = timeout}), ValueError) << timeout.count();
    Graph graph;
    const auto use = graph.as_default();
    EXPECT_THROW(Session(server.target(), {.timeout = timeout}), ValueError) << timeout.count();
  }
  Graph graph(server.target(), {.timeout = milliseconds(1'000'000'000'000)});
  const auto use = graph.as_default();
  get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()});
  Session session;
  EXPECT_EQ(session.read("w").scalar<float>(), 0);
  session.barrier("alone", 1);
  // The server says how long one may wait at a barrier.
  EXPECT_THROW(session.barrier("alone", 1, milliseconds::max()), InvalidArgumentError);
}

TEST(ConnectReasonTest, AServerThatStartsLaterIsFound) {
  const TemporaryDirectory directory;
  const std::string target = "unix:" + (directory / "s").string();
  std::thread worker([&] { EXPECT_EQ(WhyNot(target, std::chrono::minutes(2)), "it connects"); });
  const ServerProcess server({"--listen", target});
  worker.join();
}

// gRPC 1.51's own words, and what becomes of others.
TEST(ReasonTest, IsOneShortLine) {
  const auto reason = [](const std::string& text) {
    return internal::ReasonOf(grpc::Status(grpc::StatusCode::UNAVAILABLE, text));
  };
  const std::string all = "failed to connect to all addresses; last error: UNKNOWN: ";
  EXPECT_EQ(
      reason(all + "ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused").text,
      "connection refused: nothing listens there");
  EXPECT_FALSE(reason(all + "unix:/s: Permission denied").may_pass);
  EXPECT_TRUE(reason(all + "unix:/s: No such file or directory").may_pass);
  EXPECT_EQ(reason(all + "ipv4:1.2.3.4:5: A new reason").text,
            "UNKNOWN: ipv4:1.2.3.4:5: A new reason");
  EXPECT_EQ(reason("the server is stopping").text, "the server is stopping");
  const grpc::Status late(grpc::StatusCode::DEADLINE_EXCEEDED, "barrier b: 'v' is missing");
  EXPECT_EQ(internal::ReasonOf(late).text, "barrier b: 'v' is missing");
}

}  // namespace
}  // namespace varscope::testing
