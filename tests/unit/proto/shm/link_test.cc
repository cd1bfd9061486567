// Messages through memory that processes share, and what a peer that means harm can do.
#include "proto/shm/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <random>
#include <thread>

#include "absl/status/statusor.h"
#include "tests/support/bytes_of.h"

namespace varscope::shm {
namespace {

using varscope::testing::BytesOf;

constexpr Clock::time_point kNever = Clock::time_point::max();

grpc::ByteBuffer Content(const std::string& prefix, const std::string& body) {
  const std::vector<grpc::Slice> slices = {grpc::Slice(prefix), grpc::Slice(body)};
  return {slices.data(), slices.size()};
}

std::string RandomText(std::mt19937& random, size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::pair<Doorbell, Doorbell> Doorbells() {
  std::array<int, 2> ends{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  return {Doorbell(FileDescriptor(ends[0])), Doorbell(FileDescriptor(ends[1]))};
}

// Both ends in one process.
class LinkTest : public ::testing::Test {
 protected:
  LinkTest() {
    name_ =
        "varscope-test-" + std::to_string(getpid()) + "-" + std::to_string(std::random_device{}());
    const absl::StatusOr<FileDescriptor> listening = Listen(name_);
    EXPECT_TRUE(listening.ok()) << listening.status();
    std::thread server([&] {
      server_.emplace(
          *Link::Accept(Doorbell(FileDescriptor(accept(listening->get(), nullptr, nullptr)))));
    });
    absl::StatusOr<Link> worker = Link::Connect(name_, kNever);
    EXPECT_TRUE(worker.ok()) << worker.status();
    worker_.emplace(*std::move(worker));
    server.join();
  }

  std::string name_;
  std::optional<Link> worker_;
  std::optional<Link> server_;
};

TEST_F(LinkTest, MessagesOfAllSizesArriveBothWays) {
  constexpr int kMessages = 300;
  const auto send = [](Link& link, uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < kMessages; ++i) {
      // Some prefixes are larger than the ring.
      const size_t prefix = i % 50 == 7 ? 2 * kRingBytes + random() % 1000 : random() % 3000;
      const std::string first = RandomText(random, prefix + 1);
      const std::string body = RandomText(random, i % 3 == 0 ? kMaxBodyBytes : random() % 5000);
      EXPECT_TRUE(link.Send(Kind::kFrame, Content(first, body), kNever).ok());
    }
  };
  const auto receive = [](Link& link, uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < kMessages; ++i) {
      const absl::StatusOr<Message> message = link.Receive(kNever);
      ASSERT_TRUE(message.ok()) << message.status();
      const size_t prefix = i % 50 == 7 ? 2 * kRingBytes + random() % 1000 : random() % 3000;
      const std::string first = RandomText(random, prefix + 1);
      const std::string body = RandomText(random, i % 3 == 0 ? kMaxBodyBytes : random() % 5000);
      ASSERT_TRUE(BytesOf(message->content) == first + body) << "message " << i;
    }
  };
  std::thread other([&] {
    receive(*server_, 1);
    send(*server_, 2);
  });
  send(*worker_, 1);
  receive(*worker_, 2);
  other.join();
}

TEST_F(LinkTest, WhatWasSentBeforeTheEndIsStillReceived) {
  ASSERT_TRUE(server_->Send(Kind::kFrame, Content("a", ""), kNever).ok());
  ASSERT_TRUE(server_->Send(Kind::kEnd, Content("b", ""), kNever).ok());
  server_.reset();
  EXPECT_EQ(BytesOf(worker_->Receive(kNever)->content), "a");
  EXPECT_EQ(worker_->Receive(kNever)->kind, Kind::kEnd);
  EXPECT_TRUE(absl::IsUnavailable(worker_->Receive(kNever).status()));
}

TEST_F(LinkTest, EveryWaitEnds) {
  const auto soon = [] { return Clock::now() + std::chrono::milliseconds(20); };
  EXPECT_TRUE(absl::IsDeadlineExceeded(worker_->Receive(soon()).status()));
  absl::Status sent;
  const grpc::ByteBuffer large = Content("a", std::string(kMaxBodyBytes, 'b'));
  while (sent.ok()) sent = worker_->Send(Kind::kFrame, large, soon());
  EXPECT_TRUE(absl::IsDeadlineExceeded(sent)) << sent;
  std::thread other([&] {
    // It finds what was sent first, and then that nobody is there.
    absl::Status end;
    while (end.ok()) end = server_->Receive(kNever).status();
    EXPECT_TRUE(absl::IsUnavailable(end)) << end;
  });
  server_->HangUp();
  other.join();
  EXPECT_TRUE(absl::IsUnavailable(worker_->Receive(kNever).status()));
}

TEST(DoorbellTest, APeerThatRingsWithoutPauseMakesNobodyWaitForLonger) {
  auto [ours, theirs] = Doorbells();
  theirs.Ring();
  EXPECT_TRUE(ours.Wait(kNever).ok());
  theirs.Ring();
  EXPECT_TRUE(absl::IsDeadlineExceeded(ours.Wait(Clock::now())));
  // As often as it waits again, there is another ring.
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(20);
  absl::Status rung;
  while (rung.ok()) {
    theirs.Ring();
    rung = ours.Wait(deadline);
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(rung)) << rung;
}

TEST_F(LinkTest, ABodyThatIsTooLargeIsRefusedBeforeItIsSent) {
  const absl::Status sent =
      worker_->Send(Kind::kFrame, Content("a", std::string(kMaxBodyBytes + 1, 'b')), kNever);
  EXPECT_TRUE(absl::IsInvalidArgument(sent)) << sent;
  EXPECT_TRUE(worker_->Send(Kind::kFrame, Content("a", "b"), kNever).ok());
  EXPECT_EQ(BytesOf(server_->Receive(kNever)->content), "ab");
}

// What the other side makes grow is in the account before it grows, and is given back.
TEST_F(LinkTest, ALargePrefixTakesWhatThereIs) {
  MemoryAccount& account = MemoryAccount::Process();
  const uint64_t used = account.used();
  const auto send = [&](size_t size) {
    return std::async(std::launch::async, [this, size] {
      return worker_->Send(Kind::kFrame, Content(std::string(size, 'h'), ""), kNever);
    });
  };
  std::future<absl::Status> sent = send(8 << 20);
  EXPECT_EQ(server_->Receive(kNever)->content.Length(), size_t{8} << 20);
  EXPECT_TRUE(sent.get().ok());
  EXPECT_GE(account.used(), used + (8 << 20));
  ASSERT_TRUE(worker_->Send(Kind::kFrame, Content("small", ""), kNever).ok());
  EXPECT_TRUE(server_->Receive(kNever).ok());
  EXPECT_EQ(account.used(), used);
  account.SetLimit(used + (4 << 20));
  sent = send(8 << 20);
  EXPECT_TRUE(absl::IsResourceExhausted(server_->Receive(kNever).status()));
  account.SetLimit(MemoryAccount::kUnlimited);
  server_->HangUp();
  EXPECT_FALSE(sent.get().ok());
}

TEST(LinkConnectTest, NobodyThereIsSaidAtOnce) {
  EXPECT_TRUE(absl::IsUnavailable(Link::Connect("varscope-no-such-name", kNever).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Link::Connect("", kNever).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Link::Connect(std::string(200, 'x'), kNever).status()));
}

// A peer that writes what it likes where the ring is: an error, or nothing, but no crash.
TEST(LinkHarmTest, GarbageInTheMemoryIsAnError) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    auto [ours, theirs] = Doorbells();
    absl::StatusOr<Link> link = Link::Accept(std::move(ours));
    ASSERT_TRUE(link.ok());
    absl::StatusOr<FileDescriptor> file = theirs.Receive(kNever);
    ASSERT_TRUE(file.ok());
    absl::StatusOr<Segment> memory = Segment::Map(*std::move(file), kSegmentBytes);
    ASSERT_TRUE(memory.ok());
    // Ring 0 is what the server reads: its position, then a head with a few bits wrong.
    const std::span<std::byte> bytes = memory->memory();
    for (int i = 0; i < 24; ++i) bytes[kControlBytes + i] = static_cast<std::byte>(random() % 4);
    bytes[0] = static_cast<std::byte>(random());
    bytes[round % 8] = static_cast<std::byte>(random() % 3);
    theirs.Ring();
    const absl::StatusOr<Message> message =
        link->Receive(Clock::now() + std::chrono::milliseconds(1));
    if (!message.ok()) continue;
    EXPECT_LE(message->content.Length(), kRingBytes);
  }
}

}  // namespace
}  // namespace varscope::shm
