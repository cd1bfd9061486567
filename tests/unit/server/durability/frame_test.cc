// The framing of records: what is written is read, and damage is noticed wherever it is.
#include "server/durability/frame.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "proto/wire/crc32c.h"

namespace varscope::server {
namespace {

RecordBytes RandomRecord(std::mt19937& random) {
  RecordBytes record;
  record.header.resize(random() % 200);
  for (char& c : record.header) c = static_cast<char>(random());
  for (uint32_t tensors = random() % 4; tensors > 0; --tensors) {
    Tensor tensor(DType::kUint8, Shape{static_cast<int64_t>(random() % 100)});
    for (uint8_t& b : tensor.mutable_values<uint8_t>()) b = static_cast<uint8_t>(random());
    record.body.push_back(tensor);
  }
  return record;
}

void Append(std::vector<std::byte>& log, std::span<const std::byte> bytes) {
  log.insert(log.end(), bytes.begin(), bytes.end());
}

// As the log writes it.
std::vector<std::byte> BytesOf(const RecordBytes& record, uint64_t position, uint64_t durable) {
  std::vector<std::byte> bytes;
  Append(bytes, EncodePrefix(record, position, durable));
  Append(bytes, std::as_bytes(std::span(record.header)));
  for (const Tensor& tensor : record.body) Append(bytes, tensor.bytes());
  return bytes;
}

std::vector<std::byte> BodyOf(const RecordBytes& record) {
  std::vector<std::byte> body;
  for (const Tensor& tensor : record.body) Append(body, tensor.bytes());
  return body;
}

TEST(LogFrameTest, WhatIsWrittenIsRead) {
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::byte> log;
    std::vector<RecordBytes> records;
    const uint64_t first = random();
    for (uint32_t i = 0; i < 1 + random() % 5; ++i) {
      records.push_back(RandomRecord(random));
      const std::vector<std::byte> bytes = BytesOf(records[i], first + i, i);
      EXPECT_EQ(bytes.size(), records[i].size());
      Append(log, bytes);
    }
    size_t offset = 0;
    for (size_t i = 0; i < records.size(); ++i) {
      const std::optional<FramedRecord> frame = ReadFrame(log, offset);
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->position, first + i);
      EXPECT_EQ(frame->durable, i);
      EXPECT_EQ(
          std::string(reinterpret_cast<const char*>(frame->header.data()), frame->header.size()),
          records[i].header);
      EXPECT_EQ(std::vector<std::byte>(frame->body.begin(), frame->body.end()), BodyOf(records[i]));
      offset = frame->end;
    }
    EXPECT_EQ(offset, log.size());
    EXPECT_FALSE(ReadFrame(log, offset));
    EXPECT_FALSE(ReadFrame(log, offset + 1));
  }
}

TEST(LogFrameTest, EveryFlippedBitAndEveryCutIsNoticed) {
  std::mt19937 random(2);
  for (int round = 0; round < 5; ++round) {
    std::vector<std::byte> bytes = BytesOf(RandomRecord(random), 7, 3);
    ASSERT_TRUE(ReadFrame(bytes, 0));
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      EXPECT_FALSE(ReadFrame(bytes, 0)) << "bit " << bit;
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(ReadFrame(std::span(bytes).first(size), 0)) << "cut at " << size;
    }
  }
}

TEST(LogFrameTest, GarbageIsNoFrame) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> bytes(random() % 200);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    if (bytes.size() >= 4 && round % 2 == 0) {
      for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>("VSR3"[i]);
    }
    EXPECT_FALSE(ReadFrame(bytes, 0));
  }
}

// A size that would wrap is not inside the file, whatever its checksum says.
TEST(LogFrameTest, SizesThatWouldWrapAreNoFrame) {
  const RecordBytes empty;
  for (const uint64_t body : {UINT64_MAX, UINT64_MAX - 39, uint64_t{1} << 63, uint64_t{1}}) {
    std::vector<std::byte> bytes = BytesOf(empty, 1, 0);
    std::memcpy(bytes.data() + 8, &body, sizeof(body));
    const uint32_t checksum = Crc32c(std::span(bytes).first(36));
    std::memcpy(bytes.data() + 36, &checksum, sizeof(checksum));
    ASSERT_TRUE(DecodePrefix(bytes));
    EXPECT_FALSE(ReadFrame(bytes, 0)) << body;
  }
}

}  // namespace
}  // namespace varscope::server
