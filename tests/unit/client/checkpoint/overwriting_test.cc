// A checkpoint over another one: whole, or not at all.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/checkpoint/tensors.h"
#include "tests/support/temporary_directory.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryDirectory;

// As long as it lives, no file grows beyond that.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*const handler_)(int);
  rlimit before_ = {};
};

// All of it.
Tensors ReadAll(const fs::path& path) {
  Tensors tensors;
  const std::unique_ptr<Reader> file = Open(path);
  for (const std::string& name : file->names()) tensors[name] = file->Read(name);
  return tensors;
}

void ExpectSame(const Tensors& a, const Tensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) EXPECT_TRUE(BytesEqual(tensor, b.at(name))) << name;
}

// The index is longer than the limit, the data is not: written after it, it fails.
TEST(OverwritingTest, WhatCouldNotBeWrittenWholeLeavesWhatWasThere) {
  const TemporaryDirectory directory;
  for (const char* name : {"m.ckpt", "m.npz", "m.safetensors"}) {
    const fs::path path = fs::path(directory.path()) / name;
    for (int write = 0; write < 3; ++write) {
      const Tensors before = {{"w", Tensor::Scalar<int32_t>(write)}};
      Write(path, before);
      Tensors many = {{"w", Tensor::Scalar<int32_t>(-1)}};
      for (int i = 0; i < 1000; ++i) {
        many[absl::StrCat(std::string(100, 'x'), i)] = Tensor::Scalar<uint8_t>(1);
      }
      {
        const FileSizeLimit limit(16 << 10);
        EXPECT_THROW(Write(path, many), OpError);
      }
      ExpectSame(ReadAll(path), before);
      // Nobody who read the names before is given other tensors.
      const std::unique_ptr<Reader> earlier = Open(path);
      Write(path, many);
      EXPECT_EQ(earlier->Read("w").scalar<int32_t>(), write) << name;
      ExpectSame(ReadAll(path), many);
    }
  }
  const auto files = fs::directory_iterator(directory.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 4) << "an index, its data, and two files";
}

TEST(OverwritingTest, ThreadsMayWriteOnePath) {
  const TemporaryDirectory directory;
  for (const char* name : {"m.ckpt", "m.npz", "m.safetensors"}) {
    const fs::path path = fs::path(directory.path()) / name;
    std::vector<std::thread> threads;
    for (int32_t i = 0; i < 4; ++i) {
      threads.emplace_back([&path, i] {
        const Tensors tensors = {{"a", Tensor::Of<int32_t>(Shape{1000}, std::vector(1000, i))},
                                 {"b", Tensor::Scalar(i)}};
        for (int write = 0; write < 5; ++write) EXPECT_NO_THROW(Write(path, tensors));
      });
    }
    for (std::thread& thread : threads) thread.join();
    const Tensors tensors = ReadAll(path);
    EXPECT_EQ(tensors.at("a").scalar<int32_t>(), tensors.at("b").scalar<int32_t>()) << name;
  }
}

}  // namespace
}  // namespace varscope::checkpoint
