// Convolution by oneDNN and its two gradients: the sums of products, for shapes of all kinds.
#include "client/kernels/conv_parts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <random>
#include <vector>

namespace varscope::internal {
namespace {

struct Sizes {
  int64_t images, filter, out;
};
Sizes SizesOf(const ConvKey& key) {
  const Window& w = key.window;
  return {w.batch * w.in_height * w.in_width * w.channels,
          w.height * w.width * w.channels * key.out_channels,
          w.batch * w.out_height * w.out_width * key.out_channels};
}

// Calls fn(element of the images, of the filter, of the result) for each product.
template <typename Fn>
void ForEachProduct(const ConvKey& key, Fn fn) {
  const Window& w = key.window;
  const int64_t outputs = key.out_channels;
  for (int64_t at = 0; at < w.batch * w.out_height * w.out_width; ++at) {
    const int64_t image = at / (w.out_height * w.out_width);
    const int64_t y0 = at / w.out_width % w.out_height * w.stride_y - w.pad_top;
    const int64_t x0 = at % w.out_width * w.stride_x - w.pad_left;
    for (int64_t k = 0; k < w.height * w.width; ++k) {
      const int64_t y = y0 + k / w.width;
      const int64_t x = x0 + k % w.width;
      if (y < 0 || y >= w.in_height || x < 0 || x >= w.in_width) continue;
      const int64_t pixel = (image * w.in_height + y) * w.in_width + x;
      for (int64_t c = 0; c < w.channels; ++c) {
        for (int64_t o = 0; o < outputs; ++o) {
          fn(pixel * w.channels + c, (k * w.channels + c) * outputs + o, at * outputs + o);
        }
      }
    }
  }
}

class ConvPartsTest : public ::testing::Test {
 protected:
  std::vector<float> Random(int64_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = std::uniform_real_distribution<float>(-1, 1)(random_);
    return values;
  }
  int64_t Of(std::initializer_list<int64_t> choices) {
    return choices.begin()[std::uniform_int_distribution<size_t>(0, choices.size() - 1)(random_)];
  }

  // Of more multiplications than are done otherwise, and not of so many that a test takes long.
  ConvKey AnyKey(ConvResult result) {
    while (true) {
      const Shape image{Of({1, 2, 3, 5, 8, 13}), Of({1, 3, 7, 14, 28}), Of({1, 2, 9, 15, 30}),
                        Of({1, 2, 3, 8, 16, 17, 32})};
      const int64_t height = Of({1, 2, 3, 5, 7});
      const int64_t width = Of({1, 2, 3, 5});
      const bool same = Of({0, 1}) == 1;
      if (!same && (height > image.dim(1) || width > image.dim(2))) continue;
      const ConvKey key{result,
                        MakeWindow(image, height, width, Of({1, 1, 2, 3}), Of({1, 1, 2, 4}), same),
                        Of({1, 2, 8, 10, 16, 32, 33})};
      const double products = static_cast<double>(SizesOf(key).out) *
                              static_cast<double>(height * width * image.dim(3));
      if (products > 3e5 && products < 3e6) return key;
    }
  }

  std::mt19937 random_{20261128};
};

void ExpectNear(const std::vector<float>& computed, const std::vector<double>& expected,
                int64_t terms) {
  ASSERT_EQ(computed.size(), expected.size());
  for (size_t i = 0; i < computed.size(); ++i) {
    ASSERT_NEAR(computed[i], expected[i], 2e-7 * static_cast<double>(terms + 10)) << i;
  }
}

TEST_F(ConvPartsTest, AllThreeAreTheSumsOfProducts) {
  int planned = 0;
  for (int i = 0; i < 120; ++i) {
    Device device(static_cast<int>(Of({1, 2, 3, 7})));
    const ConvKey key = AnyKey(static_cast<ConvResult>(i % 3));
    const Sizes sizes = SizesOf(key);
    std::vector<float> images = Random(sizes.images);
    std::vector<float> filter = Random(sizes.filter);
    std::vector<float> out = Random(sizes.out);
    std::vector<double> sums;
    int64_t terms = 0;
    switch (key.result) {
      case ConvResult::kOut:
        sums.resize(sizes.out);
        terms = sizes.filter / key.out_channels;
        ForEachProduct(key, [&](int64_t x, int64_t f, int64_t y) {
          sums[y] += static_cast<double>(images[x]) * filter[f];
        });
        break;
      case ConvResult::kImages:
        sums.resize(sizes.images);
        terms = sizes.filter / key.window.channels;
        ForEachProduct(key, [&](int64_t x, int64_t f, int64_t y) {
          sums[x] += static_cast<double>(out[y]) * filter[f];
        });
        break;
      case ConvResult::kFilter:
        sums.resize(sizes.filter);
        terms = sizes.out / key.out_channels;
        ForEachProduct(key, [&](int64_t x, int64_t f, int64_t y) {
          sums[f] += static_cast<double>(out[y]) * images[x];
        });
        break;
    }
    std::vector<float>& result = key.result == ConvResult::kOut      ? out
                                 : key.result == ConvResult::kImages ? images
                                                                     : filter;
    // Whatever was there is gone.
    std::fill(result.begin(), result.end(), std::nanf(""));
    std::vector<std::atomic<int>> calls(key.window.batch);
    const std::optional<absl::Status> done = ConvolveParts(
        device, key, {images.data(), filter.data(), out.data()}, [&](int64_t first, int64_t count) {
          for (int64_t at = first; at < first + count; ++at) ++calls[at];
        });
    if (!done) continue;  // of a kind that oneDNN has only slowly
    ++planned;
    ASSERT_TRUE(done->ok()) << *done;
    ExpectNear(result, sums, terms);
    for (const std::atomic<int>& count : calls) {
      EXPECT_EQ(count, key.result == ConvResult::kFilter ? 0 : 1);
    }
  }
  EXPECT_GT(planned, 60);
}

TEST_F(ConvPartsTest, WhatIsSmallOrEmptyOrHugeIsNotForIt) {
  Device device(1);
  const auto refuses = [&](const Window& window, int64_t out_channels) {
    for (const ConvResult result : {ConvResult::kOut, ConvResult::kImages, ConvResult::kFilter}) {
      EXPECT_FALSE(ConvolveParts(device, {result, window, out_channels},
                                 {nullptr, nullptr, nullptr}, [](int64_t, int64_t) {}));
    }
  };
  refuses(MakeWindow({1, 4, 4, 1}, 3, 3, 1, 1, true), 1);
  refuses(MakeWindow({0, 64, 64, 64}, 3, 3, 1, 1, true), 64);
  refuses(MakeWindow({8, 64, 64, 0}, 3, 3, 1, 1, true), 64);
  refuses(MakeWindow({8, 64, 64, 64}, 3, 3, 1, 1, true), 0);
  refuses(MakeWindow({8, 2, 64, 64}, 3, 3, 1, 1, false), 64);
  refuses(MakeWindow({8, 64, 64, 64}, 3, 3, kMaxWindow, 1, true), 64);
  refuses(MakeWindow({1, 1 << 15, 64, 64}, 3, 3, 1, 1, true), 64);
}

// A NaN is where its image's windows see it, and nowhere else.
TEST_F(ConvPartsTest, NanStaysWhereItBelongs) {
  Device device(2);
  const ConvKey key{ConvResult::kOut, MakeWindow({4, 14, 14, 8}, 3, 3, 1, 1, true), 16};
  const Sizes sizes = SizesOf(key);
  std::vector<float> images = Random(sizes.images);
  std::vector<float> filter = Random(sizes.filter);
  std::vector<float> out(sizes.out);
  const int64_t where = (2 * 14 * 14 + 5 * 14 + 6) * 8 + 3;
  images[where] = std::nanf("");
  const std::optional<absl::Status> done = ConvolveParts(
      device, key, {images.data(), filter.data(), out.data()}, [](int64_t, int64_t) {});
  ASSERT_TRUE(done && done->ok());
  std::vector<bool> sees(sizes.out, false);
  ForEachProduct(key, [&](int64_t x, int64_t, int64_t y) {
    if (x == where) sees[y] = true;
  });
  for (int64_t y = 0; y < sizes.out; ++y) EXPECT_EQ(std::isnan(out[y]), sees[y]) << y;
}

}  // namespace
}  // namespace varscope::internal
