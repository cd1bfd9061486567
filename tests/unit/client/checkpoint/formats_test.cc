// Checkpoint formats: what is written is read, what TensorFlow wrote is read, what is damaged is
// refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "absl/strings/str_cat.h"
#include "client/checkpoint/tensors.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tensors.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
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
  std::mt19937 random(1);
  for (const DTypeInfo& info : kDTypes) {
    tensors[info.name] = testing::RandomBits(info.dtype, Shape{1, 3}, random, true);
  }
  return tensors;
}

// All of it; throws for a tensor that cannot be read.
Tensors Read(const fs::path& path) {
  Tensors tensors;
  const std::unique_ptr<Reader> file = Open(path);
  for (const std::string& name : file->names()) tensors[name] = file->Read(name);
  return tensors;
}

fs::path Stored(const std::string& name) { return fs::path(VARSCOPE_CHECKPOINTS) / name; }

// What is said of a tensor that varscope has no dtype for.
std::string WhyNotHeld(Reader& file, const std::string& name) {
  try {
    file.Read(name);
    return "it can be read";
  } catch (const InvalidArgumentError& error) {
    return error.message();
  }
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

TEST(TensorBundleTest, OfTensorFlow2WhatIsAskedForIsRead) {
  const std::unique_ptr<Reader> file = Open(Stored("tf2.ckpt"));
  EXPECT_THAT(file->names(),
              IsSupersetOf({"_CHECKPOINTABLE_OBJECT_GRAPH", "w/.ATTRIBUTES/VARIABLE_VALUE",
                            "c/.ATTRIBUTES/VARIABLE_VALUE"}));
  EXPECT_THAT(file->Read("w/.ATTRIBUTES/VARIABLE_VALUE").values<float>(),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(file->Read("n/.ATTRIBUTES/VARIABLE_VALUE").scalar<int64_t>(), 7);
  EXPECT_THAT(file->Read("small/.ATTRIBUTES/VARIABLE_VALUE").values<int8_t>(), ElementsAre(-3, 4));
  EXPECT_THAT(WhyNotHeld(*file, "_CHECKPOINTABLE_OBJECT_GRAPH"), HasSubstr("has dtype string"));
  EXPECT_THAT(WhyNotHeld(*file, "c/.ATTRIBUTES/VARIABLE_VALUE"), HasSubstr("has dtype complex64"));
}

TEST(TensorBundleTest, AFileIsNoPrefix) {
  const TemporaryDirectory directory;
  for (const char* name : {"model.h5", "model.pt", "model"}) {
    Put(directory / name, "x");
    try {
      Open(directory / name);
      ADD_FAILURE() << name;
    } catch (const NotFoundError& error) {
      EXPECT_THAT(error.message(), HasSubstr(".safetensors, .npz, or the prefix"));
    }
  }
  for (const char* part : {"tf2.ckpt.index", "tf2.ckpt.data-00000-of-00001"}) {
    try {
      Open(Stored(part));
      ADD_FAILURE() << part;
    } catch (const NotFoundError& error) {
      EXPECT_THAT(error.message(), HasSubstr("name it " + Stored("tf2.ckpt").string()));
    }
  }
}

class SafetensorsTest : public ::testing::Test {
 protected:
  // A file of this header, whose length is added, and data.
  fs::path File(const std::string& header, const std::string& data = "") {
    const uint64_t length = header.size();
    Put(path_, std::string(reinterpret_cast<const char*>(&length), 8) + header + data);
    return path_;
  }

  const TemporaryDirectory directory_;
  const fs::path path_ = directory_ / "t.safetensors";
};

// Each dtype of the format that varscope has not, with its bits.
TEST_F(SafetensorsTest, WhatIsNotAskedForDoesNotMatter) {
  const std::map<std::string, int> others = {{"F8_E5M2", 8},     {"F8_E4M3", 8},     {"F8_E8M0", 8},
                                             {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F6_E2M3", 6},
                                             {"F6_E3M2", 6},     {"F4", 4},          {"C64", 64}};
  for (const auto& [dtype, bits] : others) {
    // Eight elements.
    const std::unique_ptr<Reader> file =
        Open(File(absl::StrCat(R"({"w":{"dtype":"F32","shape":[],"data_offsets":[)", bits, ",",
                               bits + 4, R"(]},"x":{"dtype":")", dtype,
                               R"(","shape":[2,4],"data_offsets":[0,)", bits, "]}}"),
                  std::string(bits, '\0') + std::string("\x00\x00\xc0\x3f", 4)));
    EXPECT_EQ(file->Read("w").scalar<float>(), 1.5F);
    EXPECT_THAT(WhyNotHeld(*file, "x"), HasSubstr(absl::StrCat("tensor 'x' has dtype ", dtype)));
  }
}

// As the reference implementation 0.8 does, but for what its specification forbids: a name twice
// that is the same.
TEST_F(SafetensorsTest, HeadersThatAreDamaged) {
  const auto tensor = [](const std::string& fields) { return R"({"a":{)" + fields + "}}"; };
  const std::string good = R"("dtype":"U8","shape":[1],"data_offsets":[0,1])";
  const auto with = [&](const std::string& shape, const std::string& offsets) {
    return tensor(R"("dtype":"U8","shape":)" + shape + R"(,"data_offsets":)" + offsets);
  };
  EXPECT_NO_THROW(Read(File(tensor(good), "x")));
  const std::vector<std::pair<std::string, std::string>> damaged = {
      {"", ""},
      {"[]", ""},
      {"null", ""},
      {"{", ""},
      {"{}x", ""},
      {std::string("{}\0", 3), ""},
      {"\xef\xbb\xbf{}", ""},
      {tensor(good + ","), "x"},
      {tensor(good) + tensor(good), "x"},
      {R"({"a":{)" + good + R"(},"a":{)" + good + "}}", "x"},
      {R"({"a":{)" + good + R"(},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xy"},
      {R"({"a":{)" + good + R"(},"\u0061":{)" + good + "}}", "x"},
      {tensor(good + R"(,"dtype":"U8")"), "x"},
      {tensor(good + R"(,"shape":[1])"), "x"},
      {tensor(good + R"(,"more":1e999)"), "x"},
      {tensor(good + R"(,"more":)" + std::string(200, '[') + std::string(200, ']')), "x"},
      {R"({"__metadata__":{},"__metadata__":{}})", ""},
      {R"({"__metadata__":{"a":1}})", ""},
      {R"({"__metadata__":{"a":null}})", ""},
      {R"({"__metadata__":[]})", ""},
      {R"({"__metadata__":"a"})", ""},
      {R"({"\ud800":{)" + good + "}}", "x"},
      {"{\"\xff\":{" + good + "}}", "x"},
      {R"({"a":null})", ""},
      {R"({"a":[]})", ""},
      {tensor(""), ""},
      {tensor(R"("dtype":"U8","shape":[1])"), "x"},
      {tensor(R"("dtype":"U8","data_offsets":[0,1])"), "x"},
      {tensor(R"("shape":[1],"data_offsets":[0,1])"), "x"},
      {tensor(R"("dtype":"u8","shape":[1],"data_offsets":[0,1])"), "x"},
      {tensor(R"("dtype":"FLOAT","shape":[1],"data_offsets":[0,4])"), "xxxx"},
      {tensor(R"("dtype":8,"shape":[1],"data_offsets":[0,1])"), "x"},
      {tensor(R"("dtype":null,"shape":[1],"data_offsets":[0,1])"), "x"},
      {tensor(R"("dtype":"F4","shape":[1],"data_offsets":[0,1])"), "x"},
      {tensor(R"("dtype":"F6_E2M3","shape":[2],"data_offsets":[0,2])"), "xx"},
      {with("1", "[0,1]"), "x"},
      {with("[1.0]", "[0,1]"), "x"},
      {with("[-1]", "[0,1]"), "x"},
      {with("[true]", "[0,1]"), "x"},
      {with("[\"1\"]", "[0,1]"), "x"},
      {with("[1e0]", "[0,1]"), "x"},
      {with("[2]", "[0,1]"), "x"},
      {with("[0]", "[0,1]"), "x"},
      {with("[18446744073709551616]", "[0,1]"), "x"},
      {with("[4294967296,4294967296]", "[0,0]"), ""},
      {with("[18446744073709551615,2,0]", "[0,0]"), ""},
      {with("[1]", "[0]"), "x"},
      {with("[1]", "[0,1,2]"), "x"},
      {with("[1]", "[0.0,1]"), "x"},
      {with("[1]", "[-0,1]"), "x"},
      {with("[1]", "[1,0]"), "x"},
      {with("[1]", "[1,2]"), "xy"},                            // a hole before it
      {with("[1]", "[0,1]"), ""},                              // beyond the end
      {with("[1]", "[0,1]"), "xy"},                            // bytes that are nobody's
      {R"({"a":{)" + good + R"(},"b":{)" + good + "}}", "x"},  // one on the other
      {R"({"a":{)" + good + R"(},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})", "xyz"},
      {R"({"a":{)" + good + R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "xy"},
  };
  for (const auto& [header, data] : damaged) {
    EXPECT_THROW(Open(File(header, data)), DataLossError) << header << " " << data.size();
  }
  for (const std::string& length :
       {std::string("\xff\xff\xff\xff\xff\xff\xff\xff"), std::string("\x01\xe1\xf5\x05\0\0\0\0", 8),
        std::string("\x03\0\0\0\0\0\0\0", 8)}) {
    Put(path_, length + "{}");
    EXPECT_THROW(Open(path_), DataLossError);
  }
}

TEST_F(SafetensorsTest, HeadersThatAreUnusual) {
  const std::string fields = R"("dtype":"U8","shape":[1],"data_offsets":[0,1])";
  const std::vector<std::pair<std::string, std::string>> unusual = {
      {"{}", ""},
      {" \n{}  \t\r\n", ""},
      {R"({"__metadata__":null})", ""},
      {R"({"__metadata__":{}})", ""},
      {R"({"__metadata__":{"a":"b","c":""}})", ""},
      {R"({"a":{)" + fields + R"(,"more":{"b":[1,null]}}})", "x"},
      {R"({"":{)" + fields + "}}", "x"},
      {R"({"a":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}})", "x"},
      {R"({"z":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{)" + fields + "}}", "x"},
      {R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{)" + fields + "}}", "xy"},
      {R"({"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}})", ""},
      {R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
       "x"},
  };
  for (const auto& [header, data] : unusual) EXPECT_NO_THROW(Open(File(header, data))) << header;
  EXPECT_THAT(WhyNotHeld(*Open(path_), "a"), HasSubstr("has 17 dimensions"));
}

TEST(NpzTest, WhatIsNotAskedForDoesNotMatter) {
  const std::unique_ptr<Reader> file = Open(Stored("numpy.npz"));
  const std::map<std::string, std::string> others = {
      {"object", "'|O'"},
      {"c8", "'<c8'"},
      {"text", "'<U2'"},
      {"record", "'[('a', '<f4'), ('b', '<i4', (2,))]'"},
      {"time", "'<M8[D]'"}};
  for (const auto& [name, descr] : others) {
    EXPECT_THAT(WhyNotHeld(*file, name),
                HasSubstr(absl::StrCat("array '", name, "' has dtype ", descr)));
  }
}

TEST(NpzTest, AnArrayThatIsThereTwiceIsDamage) {
  EXPECT_THROW(Open(Stored("twice.npz")), DataLossError);
}

// Files as others write them: a changed byte is seen, or changes what no checksum covers.
TEST(ForeignFilesTest, AnyByteMayBeWrong) {
  const TemporaryDirectory directory;
  for (const char* name : {"numpy.npz", "tf2.ckpt", "parts.ckpt"}) {
    for (const char* end : {"", ".index", ".data-00000-of-00001"}) {
      if (fs::exists(Stored(name).string() + end)) {
        fs::copy_file(Stored(name).string() + end, (directory / name).string() + end);
      }
    }
    for (const char* end : {"", ".index"}) {
      const fs::path changed = (directory / name).string() + end;
      if (!fs::exists(changed)) continue;
      const std::string whole = Contents(changed);
      std::mt19937 random(2);
      for (size_t at = 0; at < whole.size(); at += 1 + whole.size() / 1000) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 + random() % 255));
        Put(changed, bytes);
        try {
          const std::unique_ptr<Reader> file = Open(directory / name);
          for (const std::string& tensor : file->names()) {
            try {
              file->Read(tensor);
            } catch (const OpError&) {
            }
          }
        } catch (const OpError&) {
        }
      }
      Put(changed, whole);
    }
  }
}

}  // namespace
}  // namespace varscope::checkpoint
