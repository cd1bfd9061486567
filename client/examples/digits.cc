#include "client/examples/digits.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace varscope::examples {
namespace {

constexpr float kBrightest = 16;
constexpr uint32_t kSplitSeed = 1998;
constexpr size_t kTestPart = 5;

struct CloseGzip {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzipFile = std::unique_ptr<gzFile_s, CloseGzip>;

}  // namespace

Digits Digits::Load(const std::string& path) {
  const GzipFile file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) throw std::runtime_error(absl::StrCat("cannot read ", path));
  Digits digits;
  std::array<char, 1024> line{};
  for (int number = 1; gzgets(file.get(), line.data(), line.size()) != nullptr; ++number) {
    std::array<float, kPixels + 1> values{};
    size_t count = 0;
    for (absl::string_view field : absl::StrSplit(line.data(), ',')) {
      if (count == values.size() || !absl::SimpleAtof(field, &values[count++])) count = 0;
      if (count == 0) break;
    }
    if (count != values.size()) {
      throw std::runtime_error(
          absl::StrCat(path, ", line ", number, ": not 64 pixels and a digit"));
    }
    for (int i = 0; i < kPixels; ++i) values[i] /= kBrightest;
    digits.Add(values.data(), static_cast<int64_t>(values[kPixels]));
  }
  if (digits.size() < static_cast<int64_t>(kTestPart)) {
    throw std::runtime_error(absl::StrCat(path, " has too few digits"));
  }
  digits.Split();
  return digits;
}

void Digits::Add(const float* pixels, int64_t label) {
  pixels_.insert(pixels_.end(), pixels, pixels + kPixels);
  labels_.push_back(label);
}

void Digits::Split() {
  std::vector<int64_t> order(labels_.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(kSplitSeed);
  // std::shuffle is not the same everywhere; this is.
  for (size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random() % (i + 1)]);
  train_ = std::make_shared<Digits>();
  test_ = std::make_shared<Digits>();
  for (size_t i = 0; i < order.size(); ++i) {
    Digits& part = i % kTestPart == 0 ? *test_ : *train_;
    part.Add(&pixels_[order[i] * kPixels], labels_[order[i]]);
  }
}

Batch Digits::Take(const std::vector<int64_t>& rows) const {
  const auto n = static_cast<int64_t>(rows.size());
  Batch batch{Tensor(DType::kFloat32, Shape{n, kPixels}), Tensor(DType::kInt64, Shape{n})};
  for (int64_t i = 0; i < n; ++i) {
    std::copy_n(&pixels_[rows[i] * kPixels], kPixels,
                batch.images.mutable_data<float>() + i * kPixels);
    batch.labels.mutable_data<int64_t>()[i] = labels_[rows[i]];
  }
  return batch;
}

Batch Digits::All() const {
  std::vector<int64_t> rows(labels_.size());
  std::iota(rows.begin(), rows.end(), 0);
  return Take(rows);
}

Batch Digits::Sample(int64_t n, std::mt19937& random) const {
  std::uniform_int_distribution<int64_t> pick(0, size() - 1);
  std::vector<int64_t> rows(n);
  for (int64_t& row : rows) row = pick(random);
  return Take(rows);
}

}  // namespace varscope::examples
