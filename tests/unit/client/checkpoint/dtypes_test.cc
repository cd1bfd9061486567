// Tensors of every dtype in checkpoints: as TensorFlow and NumPy write them, in both orders of
// bytes and of elements, whole and in parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "client/checkpoint/parts.h"
#include "client/checkpoint/tensors.h"
#include "proto/tensor/elements.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tensors.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

fs::path Stored(const std::string& name) { return fs::path(VARSCOPE_CHECKPOINTS) / name; }

void Put(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// 0, 1, 2, 3, 4, 5; where there are negative integers, those; where there is only 0 and 1, those.
Tensor Counted(DType dtype, const Shape& shape, bool negative) {
  const DTypeInfo& info = InfoOf(dtype);
  Tensor numbers(DType::kInt64, shape);
  for (int64_t i = 0; i < 6; ++i) {
    numbers.mutable_data<int64_t>()[i] =
        dtype == DType::kBool ? i % 2 : (negative && info.is_signed ? -i : i);
  }
  Tensor counted(dtype, shape);
  ConvertElements(DType::kInt64, numbers.raw(), dtype, counted.mutable_raw(), 6);
  return counted;
}

// What tf.train.Saver wrote, whole and in two slices, and what varscope writes of it.
TEST(CheckpointDTypesTest, WhatTensorFlowsSaverWrites) {
  const TemporaryDirectory directory;
  const std::unique_ptr<Reader> file = Open(Stored("dtypes.ckpt"));
  Tensors whole;
  for (const DTypeInfo& info : kDTypes) {
    const std::string name = info.name;
    const Tensor expected = Counted(info.dtype, Shape{3, 2}, true);
    EXPECT_TRUE(BytesEqual(file->Read(name), expected)) << name << Summarize(file->Read(name));
    EXPECT_TRUE(BytesEqual(file->Read("sliced/" + name), expected)) << name;
    whole[name] = expected;
  }
  EXPECT_EQ(file->names().size(), 2 * std::size(kDTypes));
  Write(directory / "ours", whole);
  const std::unique_ptr<Reader> ours = Open(directory / "ours");
  for (const auto& [name, tensor] : whole)
    EXPECT_TRUE(BytesEqual(ours->Read(name), tensor)) << name;
}

TEST(CheckpointDTypesTest, WhatNumPyWrites) {
  const std::unique_ptr<Reader> file = Open(Stored("numpy.npz"));
  for (const DTypeInfo& info : kDTypes) {
    const Tensor expected = Counted(info.dtype, Shape{2, 3}, info.integer);
    for (const char* order : {"le", "be", "le_fortran", "be_fortran"}) {
      if (info.dtype == DType::kBfloat16 && order[0] == 'b') continue;  // NumPy writes none
      const std::string name = std::string(info.npy) + order;
      EXPECT_TRUE(BytesEqual(file->Read(name), expected)) << name << Summarize(file->Read(name));
    }
  }
  EXPECT_TRUE(BytesEqual(file->Read("V2plain"), Counted(DType::kBfloat16, Shape{2, 3}, false)));
  const Tensor cube = file->Read("cube_fortran");
  for (int32_t i = 0; i < 24; ++i) EXPECT_EQ(cube.data<int32_t>()[i], i);
  EXPECT_THAT(file->Read("u4_large").values<uint32_t>(), ElementsAre(4294967295));
  EXPECT_EQ(file->Read("scalar").scalar<double>(), 1.5);
}

// A zip file of one member that is not compressed.
std::string ZipOf(const std::string& name, const std::string& bytes) {
  const auto number = [](uint64_t value, size_t size) {
    std::string bytes(size, '\0');
    std::memcpy(bytes.data(), &value, std::min(size, sizeof(value)));
    return bytes;
  };
  uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
  }
  const std::string entry = number(20, 2) + number(0, 8) + number(~crc & 0xffffffffU, 4) +
                            number(bytes.size(), 4) + number(bytes.size(), 4) +
                            number(name.size(), 2) + number(0, 2);
  const std::string local = "PK\x03\x04" + entry + name + bytes;
  const std::string central = "PK\x01\x02" + number(20, 2) + entry + number(0, 14) + name;
  return local + central + "PK\x05\x06" + number(0, 4) + number(1, 2) + number(1, 2) +
         number(central.size(), 4) + number(local.size(), 4) + number(0, 2);
}

// Files made of hand-written bytes: every dtype in both orders of bytes and of elements.
TEST(CheckpointDTypesTest, ArraysInEveryOrder) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "t.npz";
  std::mt19937 random(1);
  for (const DTypeInfo& info : kDTypes) {
    const Tensor rows = testing::RandomBits(info.dtype, Shape{2, 3}, random, true);
    for (const bool big : {false, true}) {
      for (const bool fortran : {false, true}) {
        std::string bytes;
        for (int64_t i = 0; i < 6; ++i) {
          const int64_t at = fortran ? i % 2 * 3 + i / 2 : i;
          std::string element(reinterpret_cast<const char*>(rows.raw()) + at * info.size,
                              info.size);
          if (big) std::reverse(element.begin(), element.end());
          bytes += element;
        }
        std::string header = absl::StrCat("{'descr': '", big ? ">" : "<", info.npy,
                                          "', 'fortran_order': ", fortran ? "True" : "False",
                                          ", 'shape': (2, 3), }");
        header.resize(117, ' ');
        const std::string npy =
            std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\n" + bytes;
        Put(path, ZipOf("w.npy", npy));
        EXPECT_TRUE(BytesEqual(Open(path)->Read("w"), rows)) << header;
        // A byte more, or less.
        Put(path, ZipOf("w.npy", npy + "x"));
        EXPECT_THROW(Open(path)->Read("w"), DataLossError) << header;
        Put(path, ZipOf("w.npy", npy.substr(0, npy.size() - 1)));
        EXPECT_THROW(Open(path)->Read("w"), DataLossError) << header;
      }
    }
  }
  // Sizes that no dtype has.
  for (const char* descr : {"<f3", "<V3", "<f16", ">u16", "|V1", "V", "f", ""}) {
    const std::string header =
        absl::StrCat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (0,)}");
    Put(path, ZipOf("w.npy", std::string("\x93NUMPY\x01\x00", 8) +
                                 static_cast<char>(header.size()) + '\0' + header));
    try {
      Open(path)->Read("w");
      ADD_FAILURE() << descr;
    } catch (const InvalidArgumentError& error) {
      EXPECT_THAT(error.message(), HasSubstr("which varscope has not: save it as one of float32,"));
    }
  }
}

// One after the other, each into every variable.
TEST(CheckpointDTypesTest, NarrowElementsForTheDTypeThatIsComputedWith) {
  for (const DTypeInfo& from : kDTypes) {
    for (const DTypeInfo& to : kDTypes) {
      const Tensor tensor = Counted(from.dtype, Shape{6}, true);
      const Tensor widened = WidenFor(to.dtype, tensor);
      const bool wider = (from.floating && from.size == 2 && to.dtype == DType::kFloat32) ||
                         (from.integer && from.size < 4 && to.dtype == DType::kInt32) ||
                         (from.dtype == DType::kUint32 && to.dtype == DType::kInt64);
      EXPECT_EQ(widened.dtype(), wider ? to.dtype : from.dtype) << from.name << " " << to.name;
      EXPECT_EQ(Summarize(widened), Summarize(tensor)) << from.name << " " << to.name;
    }
  }
}

TEST(CheckpointDTypesTest, JoinUndoesCut) {
  std::mt19937 random(1);
  for (const DTypeInfo& info : kDTypes) {
    const Tensor whole = testing::RandomBits(info.dtype, Shape{4, 5, 3}, random);
    for (int axis = 0; axis < 3; ++axis) {
      std::vector<int64_t> partitions = {1, 1, 1};
      partitions[axis] = 2;
      std::vector<int64_t> first = whole.shape().dims();
      std::vector<int64_t> second = first;
      first[axis] = 2;
      second[axis] -= 2;
      const std::vector<Tensor> parts = Cut(whole, partitions, {Shape(first), Shape(second)});
      ASSERT_EQ(parts.size(), 2U);
      EXPECT_TRUE(BytesEqual(Join(parts, partitions), whole)) << info.name << axis;
      EXPECT_TRUE(Cut(whole, partitions, {Shape(first), Shape(first)}).empty() || axis == 0);
    }
    EXPECT_TRUE(Cut(whole, {}, {Shape{4, 5, 2}}).empty());
  }
}

}  // namespace
}  // namespace varscope::checkpoint
