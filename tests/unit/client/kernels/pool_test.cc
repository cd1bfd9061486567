// Pooling and its gradients, element by element, for windows of all kinds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/state.h"
#include "client/kernels/window.h"
#include "tests/support/no_store.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

using internal::Window;

// Calls fn(element of the result, elements of the image that its window covers).
template <typename Fn>
void ForEachResult(const Window& w, Fn fn) {
  for (int64_t at = 0; at < w.batch * w.out_height * w.out_width * w.channels; ++at) {
    const int64_t pixel = at / w.channels;
    const int64_t image = pixel / (w.out_height * w.out_width);
    const int64_t y0 = pixel / w.out_width % w.out_height * w.stride_y - w.pad_top;
    const int64_t x0 = pixel % w.out_width * w.stride_x - w.pad_left;
    std::vector<int64_t> covered;
    for (int64_t y = y0; y < y0 + w.height; ++y) {
      for (int64_t x = x0; x < x0 + w.width; ++x) {
        if (y < 0 || y >= w.in_height || x < 0 || x >= w.in_width) continue;
        covered.push_back(((image * w.in_height + y) * w.in_width + x) * w.channels +
                          at % w.channels);
      }
    }
    fn(at, covered);
  }
}

// The first of the largest.
template <typename T>
int64_t Largest(const T* x, const std::vector<int64_t>& covered) {
  int64_t best = covered[0];
  for (int64_t at : covered) {
    if (x[at] > x[best]) best = at;
  }
  return best;
}

template <typename T>
class PoolTest : public ::testing::Test {
 protected:
  PoolTest() { internal::Unwrap(graph_)->Connect(std::make_shared<testing::NoStore>()); }

  int64_t Of(std::initializer_list<int64_t> choices) {
    return choices.begin()[std::uniform_int_distribution<size_t>(0, choices.size() - 1)(random_)];
  }
  // Few values, so that some are equal.
  Tensor Random(const Shape& shape) {
    Tensor t(kDTypeOf<T>, shape);
    for (T& value : t.mutable_values<T>()) {
      value = static_cast<T>(std::uniform_int_distribution<int>(-4, 4)(random_));
    }
    return t;
  }

  void SetUp() override {
    image_ = Shape{Of({1, 2, 9}), Of({1, 4, 7, 12}), Of({1, 3, 8}), Of({1, 3, 32, 64, 65, 130})};
    ksize_ = {1, Of({1, 2, 3, 5}), Of({1, 2, 3}), 1};
    strides_ = {1, Of({1, 2, 3}), Of({1, 2, 4}), 1};
    same_ = ksize_[1] > image_.dim(1) || ksize_[2] > image_.dim(2) || Of({0, 1}) == 1;
    window_ = internal::MakeWindow(image_, ksize_[1], ksize_[2], strides_[1], strides_[2], same_);
  }
  std::string padding() const { return same_ ? "SAME" : "VALID"; }
  Shape result() const {
    return {window_.batch, window_.out_height, window_.out_width, window_.channels};
  }

  void ExpectEqual(const Tensor& computed, const std::vector<T>& expected) {
    ASSERT_EQ(computed.num_elements(), static_cast<int64_t>(expected.size()));
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(computed.data<T>()[i], expected[i], 1e-5) << i << " of " << image_.ToString();
    }
  }

  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
  std::mt19937 random_{20261128};
  Shape image_;
  std::vector<int64_t> ksize_, strides_;
  bool same_ = false;
  Window window_{};
};

using Floats = ::testing::Types<float, double>;
TYPED_TEST_SUITE(PoolTest, Floats);

TYPED_TEST(PoolTest, IsWhatItsWindowsSee) {
  using T = TypeParam;
  for (int i = 0; i < 60; ++i) {
    this->SetUp();
    const Window& w = this->window_;
    const Tensor x = this->Random(this->image_);
    const Tensor dy = this->Random(this->result());
    const Tensor ddx = this->Random(this->image_);
    const T* const in = x.template data<T>();
    std::vector<T> most(dy.num_elements()), mean(most), picked(most);
    std::vector<T> of_most(x.num_elements()), of_mean(of_most);
    ForEachResult(w, [&](int64_t at, const std::vector<int64_t>& covered) {
      const int64_t best = Largest(in, covered);
      most[at] = in[best];
      picked[at] = ddx.template data<T>()[best];
      of_most[best] += dy.template data<T>()[at];
      const auto count = static_cast<T>(covered.size());
      for (int64_t one : covered) {
        mean[at] += in[one] / count;
        of_mean[one] += dy.template data<T>()[at] / count;
      }
    });
    const DType dtype = kDTypeOf<T>;
    const Output image = placeholder(dtype, this->image_);
    const Output weights = placeholder(dtype, this->result());
    const Output other = placeholder(dtype, this->image_);
    const Output max = nn::max_pool(image, this->ksize_, this->strides_, this->padding());
    const Output avg = nn::avg_pool(image, this->ksize_, this->strides_, this->padding());
    const auto gradient = [](const Output& y, const Output& by, const Output& weight) {
      return gradients({y}, std::vector<Output>{by}, {weight})[0].values;
    };
    const Output max_grad = gradient(max, image, weights);
    const Output avg_grad = gradient(avg, image, weights);
    // Of the gradient, which is linear in the weights.
    const Output back = gradient(max_grad, weights, other);
    const std::vector<Tensor> computed = Session().run({max, avg, max_grad, avg_grad, back},
                                                       {{image, x}, {weights, dy}, {other, ddx}});
    this->ExpectEqual(computed[0], most);
    this->ExpectEqual(computed[1], mean);
    this->ExpectEqual(computed[2], of_most);
    this->ExpectEqual(computed[3], of_mean);
    this->ExpectEqual(computed[4], picked);
  }
}

TYPED_TEST(PoolTest, InfinityAndNanPass) {
  using T = TypeParam;
  constexpr T kInf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const std::vector<int64_t> two = {1, 2, 2, 1};
  const auto run = [&](const std::vector<T>& x, auto pool) {
    return Summarize(
        Session().run(pool(constant(Tensor::Of<T>({1, 2, 2, 1}, x)), two, two, "VALID", "")));
  };
  EXPECT_EQ(run({-kInf, -kInf, -kInf, -kInf}, nn::max_pool), "[-inf]");
  EXPECT_EQ(run({1, kInf, 2, -kInf}, nn::max_pool), "[inf]");
  EXPECT_EQ(run({nan, nan, nan, nan}, nn::max_pool), "[nan]");
  EXPECT_EQ(run({1, nan, 2, 3}, nn::avg_pool), "[nan]");
  EXPECT_EQ(run({1, kInf, 2, 3}, nn::avg_pool), "[inf]");
}

// A graph may say any size of an image that no run has.
TEST(PositionsTest, InTheLargestImage) {
  using internal::kMaxWindow;
  using internal::Positions;
  for (const bool same : {false, true}) {
    EXPECT_EQ(Positions(INT64_MAX, 1, 1, same), INT64_MAX);
    EXPECT_EQ(Positions(INT64_MAX, 1, kMaxWindow, same), int64_t{1} << 32);
  }
  EXPECT_EQ(Positions(7, 3, 2, false), 3);
  EXPECT_EQ(Positions(8, 3, 2, false), 3);
  EXPECT_EQ(Positions(8, 3, 2, true), 4);
  EXPECT_EQ(Positions(0, kMaxWindow, 1, true), 0);
  EXPECT_LT(Positions(0, kMaxWindow, 1, false), 0);
}

}  // namespace
}  // namespace varscope
