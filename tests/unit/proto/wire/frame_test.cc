// Tensor frames: what is written is read, it is protobuf's encoding, and damage is an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "proto/wire/encoding.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "proto/wire/retry_info.h"
#include "tests/support/bytes_of.h"
#include "tests/unit/proto/wire/message.h"

namespace varscope::wire {
namespace {

using varscope::testing::BytesOf;

// As it may arrive: cut anywhere.
grpc::ByteBuffer Cut(const std::string& bytes, std::mt19937& random) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size();) {
    const size_t n = std::min<size_t>(1 + random() % (bytes.size() / 3 + 1), bytes.size() - at);
    slices.emplace_back(bytes.substr(at, n));
    at += n;
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

std::vector<std::string> Frames(const Message& message, const FrameOptions& options = {}) {
  FrameWriter writer(message.head, message.tensors, options);
  std::vector<std::string> frames;
  while (std::optional<grpc::ByteBuffer> frame = writer.Next()) frames.push_back(BytesOf(*frame));
  return frames;
}

// Frames that say that they are of `message`.
absl::Status ReadAll(const Message& message, const std::vector<std::string>& frames,
                     std::mt19937& random, std::vector<Tensor>* out = nullptr) {
  FrameReader reader = message.Reader();
  for (const std::string& bytes : frames) {
    grpc::ByteBuffer buffer = Cut(bytes, random);
    if (absl::Status status = reader.Add(buffer); !status.ok()) return status;
  }
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  if (out != nullptr) *out = reader.tensors();
  return absl::OkStatus();
}

TEST(FrameTest, SmallTensorsShareASliceAndLargeOnesAreNotCopied) {
  // 100 of 4 bytes, one of 64 KiB, 100 more.
  std::vector<Shape> shapes(100, Shape{1});
  shapes.push_back(Shape{16 << 10});
  shapes.insert(shapes.end(), 100, Shape{1});
  const Message message = MakeMessage(shapes);
  FrameWriter writer(message.head, message.tensors);
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(writer.Next()->Dump(&slices).ok());
  // The header, the small ones before, the large one, the small ones after.
  ASSERT_EQ(slices.size(), 4U);
  EXPECT_EQ(slices[1].size(), 400U);
  EXPECT_EQ(reinterpret_cast<const std::byte*>(slices[2].begin()), message.tensors[100].raw());
  EXPECT_EQ(slices[3].size(), 400U);
}

TEST(FrameTest, RoundTripOfManySizesHoweverItIsCut) {
  std::mt19937 random(1);
  const std::vector<std::vector<Shape>> cases = {{},
                                                 {Shape{}},
                                                 {Shape{0}, Shape{3}},
                                                 {Shape{5}, Shape{7, 11}, Shape{}, Shape{0, 9}},
                                                 {Shape{600000}},
                                                 {Shape{3}, Shape{1200001}, Shape{4}}};
  for (const std::vector<Shape>& shapes : cases) {
    const Message message = MakeMessage(shapes);
    for (int round = 0; round < 5; ++round) {
      std::vector<Tensor> read;
      ASSERT_TRUE(ReadAll(message, Frames(message), random, &read).ok());
      ASSERT_EQ(read.size(), message.tensors.size());
      for (size_t i = 0; i < read.size(); ++i) {
        EXPECT_TRUE(BytesEqual(read[i], message.tensors[i]));
      }
    }
  }
}

TEST(FrameTest, SmallTensorsShareOneFrameAndLargeOnesTakeSeveral) {
  EXPECT_EQ(Frames(MakeMessage(std::vector<Shape>(200, Shape{10}))).size(), 1U);
  EXPECT_EQ(Frames(MakeMessage({Shape{kFrameBodyBytes / 4 * 3}})).size(), 3U);
  EXPECT_EQ(Frames(MakeMessage({})).size(), 1U);
}

TEST(FrameTest, ANumberThatIsNotFiniteIsSeenWhereverTheBytesAreCut) {
  std::mt19937 random(5);
  const auto finite = [&](const Message& message) {
    FrameReader reader = message.Reader();
    for (const std::string& bytes : Frames(message, {.body_bytes = 1001})) {
      grpc::ByteBuffer buffer = Cut(bytes, random);
      EXPECT_TRUE(reader.Add(buffer).ok());
    }
    EXPECT_TRUE(reader.complete());
    return reader.finite();
  };
  Message message = MakeMessage({Shape{700}, Shape{1}});
  message.head.mutable_push();
  EXPECT_TRUE(finite(message));
  for (int64_t at = 0; at < 700; at += 7) {
    float& element = message.tensors[0].mutable_data<float>()[at];
    const float before = std::exchange(element, at % 2 == 0 ? NAN : -INFINITY);
    EXPECT_FALSE(finite(message)) << at;
    element = before;
  }
  message.tensors[1].mutable_data<float>()[0] = NAN;
  EXPECT_FALSE(finite(message));
  message.tensors[1] = *Encode(Encoding::kBfloat16, message.tensors[1]);
  message.announced[1].encoding = Encoding::kBfloat16;
  EXPECT_FALSE(finite(message));
}

// Cut anywhere in two: the header's end is the first slice's, or before it.
TEST(FrameTest, AHeaderIsWholeInTheFirstSliceOrNot) {
  const Message message = MakeMessage({Shape{100}, Shape{3}});
  const std::string bytes = Frames(message).front();
  v1::TensorFrame frame;
  ASSERT_TRUE(frame.ParseFromString(bytes));
  // One byte for the tag, one or two for the length.
  const size_t size = frame.header().ByteSizeLong();
  const size_t end = 1 + (size < 128 ? 1 : 2) + size;
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const std::vector<grpc::Slice> slices = {bytes.substr(0, cut), bytes.substr(cut)};
    const grpc::ByteBuffer buffer(slices.data(), slices.size());
    EXPECT_EQ(BeginsWithWholeHeader(buffer), cut >= end) << cut;
  }
  EXPECT_FALSE(BeginsWithWholeHeader(grpc::ByteBuffer()));
  v1::TensorFrame body;
  body.set_body("x");
  const grpc::Slice alone(body.SerializeAsString());
  EXPECT_FALSE(BeginsWithWholeHeader(grpc::ByteBuffer(&alone, 1)));
}

TEST(FrameTest, TheEncodingIsProtobufs) {
  Message message = MakeMessage({Shape{4}, Shape{2}});
  message.head.mutable_push()->set_sequence(7);
  const std::vector<std::string> frames = Frames(message);
  v1::TensorFrame frame;
  ASSERT_TRUE(frame.ParseFromString(frames[0]));
  EXPECT_EQ(frame.header().push().sequence(), 7U);
  EXPECT_EQ(frame.header().body_bytes(), 24U);
  EXPECT_EQ(frame.body().size(), 24U);
  std::mt19937 random(2);
  EXPECT_TRUE(ReadAll(message, {frame.SerializeAsString()}, random).ok());
}

TEST(FrameTest, EveryPrefixIsRefused) {
  std::mt19937 random(3);
  const Message message = MakeMessage({Shape{4}, Shape{2}});
  const std::string whole = Frames(message)[0];
  for (size_t n = 1; n < whole.size(); ++n) {
    EXPECT_FALSE(ReadAll(message, {whole.substr(0, n)}, random).ok()) << n;
  }
}

TEST(FrameTest, FlippedBitsAreReadOrRefusedButNeverMore) {
  std::mt19937 random(4);
  const Message message = MakeMessage({Shape{4}, Shape{2, 3}});
  const std::string whole = Frames(message)[0];
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    std::vector<Tensor> read;
    const absl::Status status = ReadAll(message, {damaged}, random, &read);
    EXPECT_EQ(status.ok(), status.message().empty());
  }
}

// What the head announces, what comes, and what the receiver expects must be the same.
TEST(FrameTest, BytesThatDoNotAddUpAreRefused) {
  const Message message = MakeMessage({Shape{4}, Shape{0}, Shape{2}});
  const auto read = [&](uint64_t announced, const std::vector<size_t>& bodies) {
    FrameReader reader = message.Reader();
    absl::Status status;
    v1::FrameHeader head;
    head.set_body_bytes(announced);
    for (size_t i = 0; i < bodies.size() && status.ok(); ++i) {
      grpc::ByteBuffer frame =
          Encode(i == 0 ? head : v1::FrameHeader(), {grpc::Slice(std::string(bodies[i], '\0'))});
      status = reader.Add(frame);
    }
    return status.ok() ? reader.Finish() : status;
  };
  EXPECT_TRUE(read(24, {24}).ok());
  EXPECT_TRUE(read(24, {0, 1, 23}).ok());
  using ::testing::HasSubstr;
  EXPECT_THAT(read(20, {20}).message(),
              HasSubstr("3 tensors have 24 bytes, its head announces 20"));
  EXPECT_THAT(read(0, {}).message(), HasSubstr("before its head"));
  EXPECT_THAT(read(UINT64_MAX, {24}).message(), HasSubstr("its head announces"));
  EXPECT_THAT(read(24, {25}).message(), HasSubstr("a body has 25 bytes, only 24 of 24"));
  EXPECT_THAT(read(24, {20, 5}).message(), HasSubstr("a body has 5 bytes, only 4 of 24"));
  EXPECT_THAT(read(24, {24, 1}).message(), HasSubstr("only 0 of 24"));
  EXPECT_THAT(read(24, {20, 0}).message(), HasSubstr("an empty frame"));
  EXPECT_THAT(read(24, {20}).message(), HasSubstr("have 24 bytes, only 20 came"));
}

TEST(FrameTest, WhatIsDiscardedIsCountedAndNotKept) {
  v1::FrameHeader head;
  head.set_body_bytes(1000);
  FrameReader* self = nullptr;
  FrameReader reader([&](const v1::FrameHeader&) {
    self->Discard();
    return std::vector<IncomingTensor>();
  });
  self = &reader;
  grpc::ByteBuffer first = Encode(head, {grpc::Slice(std::string(400, '\0'))});
  grpc::ByteBuffer second = Encode(v1::FrameHeader(), {grpc::Slice(std::string(600, '\0'))});
  ASSERT_TRUE(reader.Add(first).ok());
  EXPECT_FALSE(reader.complete());
  ASSERT_TRUE(reader.Add(second).ok());
  EXPECT_TRUE(reader.complete());
  EXPECT_TRUE(reader.tensors().empty());
}

TEST(FrameTest, WithAChecksumEveryFlippedBitAndEveryCutIsAnError) {
  std::mt19937 random(5);
  const FrameOptions options{.body_bytes = 24, .checksums = true};
  const Message message = MakeMessage({Shape{4}, Shape{2, 3}});
  const std::vector<std::string> frames = Frames(message, options);
  ASSERT_EQ(frames.size(), 2);
  EXPECT_TRUE(ReadAll(message, frames, random).ok());
  for (size_t f = 0; f < frames.size(); ++f) {
    std::vector<std::string> damaged = frames;
    for (size_t bit = 0; bit < frames[f].size() * 8; ++bit) {
      damaged[f] = frames[f];
      damaged[f][bit / 8] = static_cast<char>(damaged[f][bit / 8] ^ (1 << (bit % 8)));
      EXPECT_FALSE(ReadAll(message, damaged, random).ok()) << "frame " << f << ", bit " << bit;
    }
    for (size_t size = 0; size < frames[f].size(); ++size) {
      damaged[f] = frames[f].substr(0, size);
      EXPECT_FALSE(ReadAll(message, damaged, random).ok())
          << "frame " << f << ", " << size << " bytes";
    }
  }
}

TEST(FrameTest, WhatWasDamagedMayBeSentAgain) {
  std::mt19937 random(6);
  const Message message = MakeMessage({Shape{4}});
  std::string frame = Frames(message, {.checksums = true})[0];
  frame.back() = static_cast<char>(frame.back() ^ 1);
  const absl::Status status = ReadAll(message, {frame}, random);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(status.GetPayload(kRetryAfterKey).has_value());
}

TEST(FrameTest, TheHeadIsCheckedBeforeMemoryIsTaken) {
  v1::FrameHeader head;
  head.set_body_bytes(uint64_t{1} << 47);
  grpc::ByteBuffer frame = Encode(head, {});
  FrameReader reader([](const v1::FrameHeader&) { return absl::PermissionDeniedError("no"); });
  EXPECT_EQ(reader.Add(frame).code(), absl::StatusCode::kPermissionDenied);
}

TEST(FrameTest, AnyProtobufReadsTheChecksum) {
  v1::TensorFrame parsed;
  ASSERT_TRUE(parsed.ParseFromString(Frames(MakeMessage({Shape{4}}), {.checksums = true})[0]));
  EXPECT_TRUE(parsed.header().checksums());
  EXPECT_TRUE(parsed.has_checksum());
  EXPECT_EQ(parsed.body().size(), 16);
}

TEST(FrameTest, BoolsAreZeroOrOne) {
  v1::FrameHeader head;
  head.set_body_bytes(2);
  for (const auto& [byte, ok] : {std::pair{'\1', true}, std::pair{'\2', false}}) {
    grpc::ByteBuffer buffer = Encode(head, {grpc::Slice(std::string("\0", 1) + byte)});
    FrameReader reader([](const v1::FrameHeader&) {
      return std::vector<IncomingTensor>{{DType::kBool, Shape{2}, Encoding::kNone, "flags"}};
    });
    EXPECT_EQ(reader.Add(buffer).ok(), ok);
  }
}

}  // namespace
}  // namespace varscope::wire
