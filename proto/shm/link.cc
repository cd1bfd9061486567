#include "proto/shm/link.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/concurrency/spin.h"

namespace varscope::shm {
namespace {

// Before each message.
struct Head {
  uint32_t kind;
  uint32_t prefix;  // bytes
  uint64_t body;    // bytes
};

// The worker writes ring 0, the server ring 1.
RingControl& Control(const Segment& segment, int ring) {
  std::byte* const at = segment.memory().data() + ring * sizeof(RingControl);
  // Zeros are its beginning, and both sides say so.
  return *std::launder(reinterpret_cast<RingControl*>(at));
}
static_assert(2 * sizeof(RingControl) <= kControlBytes);

std::span<std::byte> Data(const Segment& segment, int ring) {
  return segment.memory().subspan(kControlBytes + ring * kRingBytes, kRingBytes);
}

constexpr std::chrono::microseconds kSpin{50};
constexpr int kLooks = 20;

std::span<const std::byte> Bytes(const grpc::Slice& slice) {
  return {reinterpret_cast<const std::byte*>(slice.begin()), slice.size()};
}

grpc::Slice Borrow(std::span<const std::byte> bytes) {
  return {bytes.data(), bytes.size(), grpc::Slice::STATIC_SLICE};
}

absl::Status Check(const Head& head) {
  const bool known = head.kind >= static_cast<uint32_t>(Kind::kFrame) &&
                     head.kind <= static_cast<uint32_t>(Kind::kSessionKey);
  const bool is_key = head.kind == static_cast<uint32_t>(Kind::kSessionKey);
  const size_t most = is_key ? kMaxKeyBytes : kMaxPrefixBytes;
  // A frame's header is in the prefix: the other side may change the rest meanwhile.
  const size_t least = head.kind == static_cast<uint32_t>(Kind::kFrame) ? 1 : 0;
  if (known && head.prefix >= least && head.prefix <= most && head.body <= kMaxBodyBytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no message: kind ", head.kind, ", ", head.prefix, " + ", head.body, " bytes"));
}

}  // namespace

Link::Link(Doorbell doorbell, Segment segment, int side)
    : doorbell_(std::move(doorbell)),
      segment_(std::move(segment)),
      out_(Control(segment_, side), Data(segment_, side)),
      in_(Control(segment_, 1 - side), Data(segment_, 1 - side)) {}

absl::StatusOr<Link> Link::Accept(Doorbell doorbell, int descriptor_limit) {
  absl::StatusOr<Segment> segment = Segment::Create(kSegmentBytes);
  if (!segment.ok()) return segment.status();
  if (segment->file().get() >= descriptor_limit) {
    return absl::ResourceExhaustedError(
        absl::StrCat(descriptor_limit, " descriptors are open, and the rest is the server's own"));
  }
  if (absl::Status sent = doorbell.Send(segment->file()); !sent.ok()) return sent;
  return Link(std::move(doorbell), *std::move(segment), 1);
}

absl::StatusOr<Link> Link::Connect(const std::string& name, Clock::time_point deadline) {
  absl::StatusOr<Doorbell> doorbell = Doorbell::Connect(name);
  if (!doorbell.ok()) return doorbell.status();
  absl::StatusOr<FileDescriptor> file = doorbell->Receive(deadline);
  if (!file.ok()) return file.status();
  absl::StatusOr<Segment> segment = Segment::Map(*std::move(file), kSegmentBytes);
  if (!segment.ok()) return segment.status();
  return Link(*std::move(doorbell), *std::move(segment), 0);
}

absl::Status Link::Await(std::atomic<uint32_t>& sleeps, const Ready& ready,
                         Clock::time_point deadline) {
  // What is wrong is found below.
  const auto is_ready = [&] { return ready().value_or(true); };
  Spin(Clock::now() + kSpin, kLooks, is_ready);
  absl::Status rung;
  for (;;) {
    absl::StatusOr<bool> now = ready();
    if (!now.ok()) return now.status();
    if (*now) return absl::OkStatus();
    // What was sent before the other side went is there to be read.
    if (!rung.ok()) return rung;
    sleeps.store(1);
    now = ready();
    if (!now.ok()) return now.status();
    if (!*now) rung = doorbell_.Wait(deadline);
    sleeps.store(0);
  }
}

absl::Status Link::Write(std::span<const std::byte> bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    const absl::StatusOr<size_t> written = out_.Write(bytes);
    if (!written.ok()) return written.status();
    bytes = bytes.subspan(*written);
    if (bytes.empty()) break;
    if (out_.Publish()) doorbell_.Ring();
    const auto some_room = [this]() -> absl::StatusOr<bool> {
      const absl::StatusOr<size_t> room = out_.Room();
      if (!room.ok()) return room.status();
      return *room > 0;
    };
    if (absl::Status s = Await(out_.sleeps(), some_room, deadline); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Link::Send(Kind kind, const grpc::ByteBuffer& content, Clock::time_point deadline) {
  std::vector<grpc::Slice> slices;
  if (!content.Dump(&slices).ok() || slices.empty()) {
    return absl::InternalError("a message that cannot be read");
  }
  const Head head{.kind = static_cast<uint32_t>(kind),
                  .prefix = static_cast<uint32_t>(slices.front().size()),
                  .body = content.Length() - slices.front().size()};
  if (absl::Status status = Check(head); !status.ok()) return status;
  if (absl::Status s = Write(std::as_bytes(std::span(&head, 1)), deadline); !s.ok()) return s;
  for (const grpc::Slice& slice : slices) {
    if (absl::Status status = Write(Bytes(slice), deadline); !status.ok()) return status;
  }
  if (out_.Publish()) doorbell_.Ring();
  return absl::OkStatus();
}

absl::Status Link::AwaitFilled(size_t size, Clock::time_point deadline) {
  const auto filled = [this, size]() -> absl::StatusOr<bool> {
    const absl::StatusOr<size_t> there = in_.Filled();
    if (!there.ok()) return there.status();
    return *there >= size;
  };
  return Await(in_.sleeps(), filled, deadline);
}

// Up to this each link has its own.
constexpr size_t kSmallPrefix = size_t{64} << 10;

absl::Status Link::ReservePrefix(size_t size) {
  if (size <= std::max(prefix_.capacity(), kSmallPrefix)) return absl::OkStatus();
  const size_t room = std::max(size, 2 * prefix_.capacity());
  absl::StatusOr<MemoryAccount::Hold> held = MemoryAccount::Process().Reserve(room);
  if (!held.ok()) return held.status();
  prefix_.reserve(room);
  held_ = *std::move(held);
  return absl::OkStatus();
}

absl::Status Link::ReadPrefix(size_t size, Clock::time_point deadline) {
  prefix_.clear();
  while (prefix_.size() < size) {
    if (absl::Status s = AwaitFilled(1, deadline); !s.ok()) return s;
    const absl::StatusOr<size_t> filled = in_.Filled();
    if (!filled.ok()) return filled.status();
    const size_t more = std::min(*filled, size - prefix_.size());
    // As it comes: whoever announces much and sends nothing takes nothing.
    if (absl::Status s = ReservePrefix(prefix_.size() + more); !s.ok()) return s;
    const Stretches part = in_.Take(more);
    for (const std::span<std::byte> stretch : {part.first, part.second}) {
      prefix_.append(reinterpret_cast<const char*>(stretch.data()), stretch.size());
    }
    if (prefix_.size() < size && in_.Release()) doorbell_.Ring();
  }
  // Else the body might not fit beside it.
  if (size > kMaxBodyBytes && in_.Release()) doorbell_.Ring();
  return absl::OkStatus();
}

absl::StatusOr<Message> Link::Receive(Clock::time_point deadline) {
  if (prefix_.capacity() > kSmallPrefix) {
    prefix_ = {};
    prefix_.shrink_to_fit();
    held_ = {};
  }
  if (in_.Release()) doorbell_.Ring();
  if (absl::Status s = AwaitFilled(sizeof(Head), deadline); !s.ok()) return s;
  std::array<std::byte, sizeof(Head)> bytes;
  const Stretches taken = in_.Take(bytes.size());
  std::copy(taken.second.begin(), taken.second.end(),
            std::copy(taken.first.begin(), taken.first.end(), bytes.begin()));
  Head head;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (absl::Status status = Check(head); !status.ok()) return status;
  if (absl::Status status = ReadPrefix(head.prefix, deadline); !status.ok()) return status;
  if (absl::Status status = AwaitFilled(head.body, deadline); !status.ok()) return status;
  const Stretches body = in_.Take(head.body);
  std::vector<grpc::Slice> slices = {Borrow(std::as_bytes(std::span(prefix_)))};
  for (const std::span<std::byte> stretch : {body.first, body.second}) {
    if (!stretch.empty()) slices.push_back(Borrow(stretch));
  }
  return Message{static_cast<Kind>(head.kind), grpc::ByteBuffer(slices.data(), slices.size())};
}

}  // namespace varscope::shm
