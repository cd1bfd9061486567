// Checkpoint formats: what is written is read, what TensorFlow wrote is read, what is damaged is
// refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "client/checkpoint/formats.h"
#include "client/checkpoint/parts.h"
#include "client/checkpoint/slice_key.h"
#include "client/checkpoint/state_file.h"
#include "client/checkpoint/tensors.h"
#include "tests/support/temporary_directory.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

Tensors Sample() {
  Tensors tensors;
  tensors["model/w"] = Tensor::Of<float>(Shape{3, 2}, {0, 0.5F, -1, 2.25F, 3e30F, -0.0F});
  tensors["model/w/Adam"] = Tensor::Of<double>(Shape{2}, {1e-300, 7});
  tensors["global_step"] = Tensor::Scalar<int64_t>(1LL << 40);
  tensors["i"] = Tensor::Of<int32_t>(Shape{1, 2}, {1, -2});
  tensors["u"] = Tensor::Of<uint8_t>(Shape{3}, {1, 2, 255});
  tensors["b"] = Tensor::Of<bool>(Shape{3}, {true, false, true});
  tensors["none"] = Tensor(DType::kFloat32, Shape{0, 4});
  return tensors;
}

void ExpectEqual(const Tensors& a, const Tensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_TRUE(b.contains(name)) << name;
    EXPECT_TRUE(BytesEqual(tensor, b.at(name))) << name;
  }
}

std::string Contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Put(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class EveryFormat : public ::testing::TestWithParam<std::string> {
 protected:
  const TemporaryDirectory directory_;
  const fs::path path_ = directory_ / GetParam();
};

TEST_P(EveryFormat, ReadsWhatItWrites) {
  Write(path_, Sample());
  ExpectEqual(Read(path_), Sample());
  Tensors other;
  other["x"] = Tensor::Scalar(1.0F);
  Write(path_, other);
  ExpectEqual(Read(path_), other);
}

TEST_P(EveryFormat, HoldsNoTensorsToo) {
  Write(path_, {});
  EXPECT_TRUE(Read(path_).empty());
}

TEST_P(EveryFormat, SaysWhichFileIsMissingOrCannotBeWritten) {
  EXPECT_THROW(Read(path_), NotFoundError);
  EXPECT_THROW(Write(directory_ / ("no such folder/" + GetParam()), Sample()), OpError);
}

// Never a crash and never other values without an error: a flipped bit of data that no checksum of
// the format covers is the one exception, safetensors has none.
TEST_P(EveryFormat, RefusesWhatIsDamaged) {
  Write(path_, Sample());
  for (const auto& entry : fs::directory_iterator(path_.parent_path())) {
    const std::string whole = Contents(entry.path());
    for (size_t cut = 0; cut < whole.size(); ++cut) {
      Put(entry.path(), whole.substr(0, cut));
      EXPECT_THROW(Read(path_), OpError) << entry.path() << " cut at " << cut;
    }
    std::mt19937 random(1);
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << random() % 8));
      Put(entry.path(), flipped);
      try {
        const Tensors read = Read(path_);
        if (GetParam() == "t.safetensors" || GetParam() == "t.npz") continue;
        ExpectEqual(read, Sample());
      } catch (const OpError&) {
      }
    }
    Put(entry.path(), whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, EveryFormat,
                         ::testing::Values("t.safetensors", "t.npz", "t.ckpt"),
                         [](const auto& info) { return info.param.substr(2); });

TEST(TensorBundleTest, ReadsTensorFlowsCheckpointWithSlots) {
  const Tensors tensors = Read(fs::path(VARSCOPE_CHECKPOINTS) / "model.ckpt-3");
  EXPECT_EQ(tensors.size(), 13U);
  EXPECT_EQ(tensors.at("global_step").scalar<int64_t>(), 3);
  EXPECT_FLOAT_EQ(tensors.at("beta1_power").scalar<float>(), 0.6560999F);
  EXPECT_THAT(tensors.at("model/w/Adam_1").shape().dims(), ElementsAre(3, 2));
  EXPECT_FLOAT_EQ(tensors.at("model/w").data<float>()[3], 1.2019358F);
  EXPECT_EQ(tensors.at("d").scalar<double>(), 1.25);
  EXPECT_THAT(tensors.at("flags").values<bool>(), ElementsAre(true, false, true));
}

TEST(TensorBundleTest, WritesWhatTensorFlowWritesByteForByte) {
  const TemporaryDirectory directory;
  const fs::path theirs = fs::path(VARSCOPE_CHECKPOINTS) / "model.ckpt-3";
  Write(directory / "ours", Read(theirs));
  EXPECT_EQ(Contents(directory / "ours.index"), Contents(theirs.string() + ".index"));
  EXPECT_EQ(Contents(directory / "ours.data-00000-of-00001"),
            Contents(theirs.string() + ".data-00000-of-00001"));
}

TEST(TensorBundleTest, ReadsPartitionedVariablesWhole) {
  const Tensors tensors = Read(fs::path(VARSCOPE_CHECKPOINTS) / "parts.ckpt");
  ASSERT_EQ(tensors.size(), 2U);
  const Tensor& table = tensors.at("table");
  EXPECT_THAT(table.shape().dims(), ElementsAre(5, 2));
  EXPECT_FLOAT_EQ(table.data<float>()[0], 0.2390373945236206F);
  EXPECT_FLOAT_EQ(table.data<float>()[9], 0.4957444667816162F);
}

TEST(SliceKeyTest, NumbersTakeAsManyBytesAsTheyNeed) {
  const auto key = [](int64_t start, int64_t length) {
    BundleSlice slice;
    BundleSlice::Extent* const extent = slice.add_extent();
    extent->set_start(start);
    if (length >= 0) extent->set_length(length);
    return SliceKey("n", slice).substr(6);  // after 0, "n", its end, and the rank
  };
  EXPECT_EQ(key(0, 3), std::string("\x80\x83"));
  EXPECT_EQ(key(0, -1), std::string("\x80\x7f"));
  EXPECT_EQ(key(63, 64), std::string("\xbf\xc0\x40"));
  EXPECT_EQ(key(8191, 8192), std::string("\xdf\xff\xe0\x20\x00", 5));
}

TEST(SafetensorsTest, ReadsHalfAndBfloat16AsFloat32) {
  const TemporaryDirectory directory;
  std::string header =
      R"({"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},)"
      R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]},"__metadata__":{"by":"hand"}})";
  const uint64_t length = header.size();
  Put(directory / "t.safetensors", std::string(reinterpret_cast<const char*>(&length), 8) + header +
                                       std::string("\x00\x3e\xc0\x3f", 4));
  const Tensors tensors = Read(directory / "t.safetensors");
  EXPECT_EQ(tensors.at("h").scalar<float>(), 1.5F);
  EXPECT_EQ(tensors.at("b").scalar<float>(), 1.5F);
}

TEST(SafetensorsTest, SaysWhatItHasNoDtypeFor) {
  const TemporaryDirectory directory;
  const std::string header = R"({"x":{"dtype":"I16","shape":[1],"data_offsets":[0,2]}})";
  const uint64_t length = header.size();
  Put(directory / "t.safetensors",
      std::string(reinterpret_cast<const char*>(&length), 8) + header + "ab");
  try {
    Read(directory / "t.safetensors");
    ADD_FAILURE();
  } catch (const InvalidArgumentError& error) {
    EXPECT_THAT(error.message(), HasSubstr("tensor 'x' has dtype I16"));
  }
}

TEST(PartsTest, JoinUndoesCut) {
  Tensor whole(DType::kFloat32, Shape{4, 5, 3});
  for (int64_t i = 0; i < whole.num_elements(); ++i) whole.mutable_data<float>()[i] = i;
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<int64_t> partitions = {1, 1, 1};
    partitions[axis] = 2;
    std::vector<int64_t> first = whole.shape().dims();
    std::vector<int64_t> second = first;
    first[axis] = 2;
    second[axis] -= 2;
    const std::vector<Tensor> parts = Cut(whole, partitions, {Shape(first), Shape(second)});
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_TRUE(BytesEqual(Join(parts, partitions), whole)) << axis;
    EXPECT_TRUE(Cut(whole, partitions, {Shape(first), Shape(first)}).empty() || axis == 0);
  }
  EXPECT_TRUE(Cut(whole, {}, {Shape{4, 5, 2}}).empty());
}

TEST(StateFileTest, NamesTheNewestCheckpoint) {
  const TemporaryDirectory directory;
  EXPECT_EQ(ReadStateFile(directory.path()), "");
  WriteStateFile(directory.path(), {"m-1", "m \"2\""});
  EXPECT_EQ(ReadStateFile(directory.path()), (directory / "m \"2\"").string());
}

}  // namespace
}  // namespace varscope::checkpoint
