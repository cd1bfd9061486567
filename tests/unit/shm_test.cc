// Memory that processes share: the ring, the messages, and what a peer that means harm can do.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <random>
#include <thread>

#include "absl/status/statusor.h"
#include "proto/shm/link.h"
#include "tests/support/bytes_of.h"

namespace varscope::shm {
namespace {

using ::testing::HasSubstr;
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

class RingTest : public ::testing::Test {
 protected:
  size_t Write(const std::string& text) {
    return *writer_.Write(std::as_bytes(std::span(text.data(), text.size())));
  }
  std::string Read(size_t size) {
    const Stretches taken = reader_.Take(size);
    std::string text;
    for (const std::span<std::byte> part : {taken.first, taken.second}) {
      text.append(reinterpret_cast<const char*>(part.data()), part.size());
    }
    return text;
  }

  RingControl control_{};
  std::array<std::byte, 16> data_{};
  RingWriter writer_{control_, data_};
  RingReader reader_{control_, data_};
};

TEST_F(RingTest, NothingIsSeenBeforeItIsPublishedNorReusedBeforeItIsReleased) {
  EXPECT_EQ(Write("0123456789"), 10);
  EXPECT_EQ(*reader_.Filled(), 0);
  writer_.Publish();
  EXPECT_EQ(*reader_.Filled(), 10);
  EXPECT_EQ(Read(8), "01234567");
  EXPECT_EQ(*writer_.Room(), 6);
  reader_.Release();
  EXPECT_EQ(*writer_.Room(), 14);
  EXPECT_EQ(Write("abcdefghijklmnop"), 14);
  writer_.Publish();
  EXPECT_EQ(Read(16), "89abcdefghijklmn");
}

TEST_F(RingTest, PositionsThatMakeNoSenseAreFound) {
  control_.read = 1;
  EXPECT_EQ(writer_.Room().status().code(), absl::StatusCode::kInvalidArgument);
  control_.written = 17;
  EXPECT_EQ(reader_.Filled().status().code(), absl::StatusCode::kInvalidArgument);
  control_.written = uint64_t{0} - 1;
  EXPECT_EQ(reader_.Filled().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RingTest, OnlyASleeperIsWokenAndOnlyOnce) {
  EXPECT_FALSE(writer_.Publish());
  reader_.sleeps() = 1;
  EXPECT_TRUE(writer_.Publish());
  EXPECT_FALSE(writer_.Publish());
}

// Both ends in one process.
class LinkTest : public ::testing::Test {
 protected:
  LinkTest() {
    name_ =
        "varscope-test-" + std::to_string(getpid()) + "-" + std::to_string(std::random_device{}());
    const absl::StatusOr<FileDescriptor> listening = Listen(name_);
    EXPECT_TRUE(listening.ok()) << listening.status();
    std::thread daemon([&] {
      daemon_.emplace(
          *Link::Accept(Doorbell(FileDescriptor(accept(listening->get(), nullptr, nullptr)))));
    });
    absl::StatusOr<Link> worker = Link::Connect(name_, kNever);
    EXPECT_TRUE(worker.ok()) << worker.status();
    worker_.emplace(*std::move(worker));
    daemon.join();
  }

  std::string name_;
  std::optional<Link> worker_;
  std::optional<Link> daemon_;
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
    receive(*daemon_, 1);
    send(*daemon_, 2);
  });
  send(*worker_, 1);
  receive(*worker_, 2);
  other.join();
}

TEST_F(LinkTest, WhatWasSentBeforeTheEndIsStillReceived) {
  ASSERT_TRUE(daemon_->Send(Kind::kFrame, Content("a", ""), kNever).ok());
  ASSERT_TRUE(daemon_->Send(Kind::kEnd, Content("b", ""), kNever).ok());
  daemon_.reset();
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
    while (end.ok()) end = daemon_->Receive(kNever).status();
    EXPECT_TRUE(absl::IsUnavailable(end)) << end;
  });
  daemon_->HangUp();
  other.join();
  EXPECT_TRUE(absl::IsUnavailable(worker_->Receive(kNever).status()));
}

TEST_F(LinkTest, ABodyThatIsTooLargeIsRefusedBeforeItIsSent) {
  const absl::Status sent =
      worker_->Send(Kind::kFrame, Content("a", std::string(kMaxBodyBytes + 1, 'b')), kNever);
  EXPECT_TRUE(absl::IsInvalidArgument(sent)) << sent;
  EXPECT_TRUE(worker_->Send(Kind::kFrame, Content("a", "b"), kNever).ok());
  EXPECT_EQ(BytesOf(daemon_->Receive(kNever)->content), "ab");
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
    // Ring 0 is what the daemon reads: its position, then a head with a few bits wrong.
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

TEST(SegmentTest, OneThatCouldShrinkOrHasAnotherSizeIsRefused) {
  FileDescriptor loose(memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(loose.get(), 4096), 0);
  EXPECT_THAT(Segment::Map(std::move(loose), 4096).status().message(), HasSubstr("agreed size"));
  const absl::StatusOr<Segment> sealed = Segment::Create(8192);
  ASSERT_TRUE(sealed.ok());
  EXPECT_NE(ftruncate(sealed->file().get(), 4096), 0);
  EXPECT_THAT(Segment::Map(FileDescriptor(dup(sealed->file().get())), 4096).status().message(),
              HasSubstr("agreed size"));
}

}  // namespace
}  // namespace varscope::shm
