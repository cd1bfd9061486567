// What a checkpoint's index says of its blocks is checked before LevelDB believes it.
#include "client/checkpoint/index_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "client/checkpoint/tensors.h"
#include "tests/support/temporary_directory.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using varscope::testing::TemporaryDirectory;

constexpr size_t kFooterBytes = 48;

void Put(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string Contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}

std::string Footer(uint64_t meta_offset, uint64_t meta_size, uint64_t offset, uint64_t size) {
  std::string footer = Varint(meta_offset) + Varint(meta_size) + Varint(offset) + Varint(size);
  footer.resize(40);
  return footer + std::string("\x57\xfb\x80\x8b\x24\x75\x47\xdb", 8);
}

// A block of one entry, whose value is this, and its trailer.
std::string Entries(const std::string& value, char type = 0) {
  const std::string one("\1\0\0\0", 4);
  return Varint(0) + Varint(1) + Varint(value.size()) + "a" + value + std::string(4, '\0') + one +
         std::string(1, type) + std::string(4, '\0');
}

// Ends of the ranges of numbers, LevelDB's wrapping `size + 5` among them.
std::vector<uint64_t> Hostile(uint64_t file) {
  std::vector<uint64_t> all = {uint64_t{1} << 31, uint64_t{1} << 40, uint64_t{1} << 46,
                               uint64_t{1} << 63};
  for (uint64_t less = 0; less < 12; ++less) all.push_back(UINT64_MAX - less);
  for (uint64_t more = 0; more < 60; ++more) all.push_back(file - kFooterBytes - 4 + more);
  return all;
}

void ExpectDamaged(const fs::path& path) {
  try {
    const IndexFile file(path);
    ADD_FAILURE() << "was read";
  } catch (const DataLossError& error) {
    EXPECT_THAT(error.message(), HasSubstr(path.string()));
  }
}

TEST(IndexFileTest, NoBlockMayBeOutsideOfTheFile) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "c.ckpt.index";
  const std::string real = Contents(fs::path(VARSCOPE_CHECKPOINTS) / "tf2.ckpt.index");
  ASSERT_GT(real.size(), kFooterBytes);
  const std::string blocks = real.substr(0, real.size() - kFooterBytes);
  Put(path, real);
  EXPECT_EQ(IndexFile(path).size(), real.size());
  for (const uint64_t wrong : Hostile(real.size())) {
    SCOPED_TRACE(wrong);
    for (const std::string& footer : {Footer(0, wrong, 0, 8), Footer(wrong, 8, 0, 8),
                                      Footer(0, 8, 16, wrong), Footer(0, 8, wrong, 16)}) {
      Put(path, blocks + footer);
      ExpectDamaged(path);
      EXPECT_THROW(Open(directory / "c.ckpt"), DataLossError);
    }
  }
}

TEST(IndexFileTest, NorMayABlockThatAnEntryNames) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "c.ckpt.index";
  const std::string before(100, '\0');  // has the block that is named
  const auto write = [&](const std::string& entries) {
    Put(path, before + entries + Footer(0, 8, before.size(), entries.size() - 5));
  };
  write(Entries(Varint(0) + Varint(50)));
  EXPECT_NO_THROW(IndexFile{path});
  for (const uint64_t wrong : Hostile(fs::file_size(path) + 20)) {
    SCOPED_TRACE(wrong);
    write(Entries(Varint(0) + Varint(wrong)));
    ExpectDamaged(path);
    write(Entries(Varint(wrong) + Varint(50)));
    ExpectDamaged(path);
  }
  for (const std::string& value : {std::string(), Varint(0), std::string(10, '\x80')}) {
    write(Entries(value));
    ExpectDamaged(path);
  }
  write(Entries(Varint(0) + Varint(50), /*type=*/1));
  ExpectDamaged(path);
}

TEST(IndexFileTest, ShortOnesAreDamaged) {
  const TemporaryDirectory directory;
  const std::string real = Contents(fs::path(VARSCOPE_CHECKPOINTS) / "tf2.ckpt.index");
  for (size_t size = 0; size < std::min<size_t>(real.size(), 300); ++size) {
    Put(directory / "short.ckpt.index", real.substr(0, size));
    EXPECT_THROW(Open(directory / "short.ckpt"), DataLossError) << size;
  }
}

TEST(IndexFileTest, OneThatIsCutOffMeanwhileIsAnError) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "c.index";
  fs::copy_file(fs::path(VARSCOPE_CHECKPOINTS) / "tf2.ckpt.index", path);
  const IndexFile file(path);
  fs::resize_file(path, 10);
  std::string scratch(20, ' ');
  leveldb::Slice result;
  for (const uint64_t offset : {uint64_t{0}, uint64_t{10}, uint64_t{30}}) {
    const leveldb::Status status = file.Read(offset, scratch.size(), &result, scratch.data());
    EXPECT_TRUE(status.IsCorruption());
    EXPECT_THAT(status.ToString(), HasSubstr(path.string()));
  }
}

}  // namespace
}  // namespace varscope::checkpoint
