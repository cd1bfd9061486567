// The hot kernels of every instruction set that this machine runs, beside the baseline's: the same
// bits, but for Eigen's functions and sums, which are a few roundings off.
#include "client/kernels/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "client/kernels/hot.h"
#include "client/kernels/kernels.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

using Kernels = std::vector<KernelFn>;

struct Call {
  Attrs attrs;
  std::vector<Tensor> inputs;
  std::vector<OutputSpec> outputs;
};

std::vector<Tensor> Results(KernelFn kernel, const Call& call, Device& device) {
  std::vector<Operand> inputs;
  inputs.reserve(call.inputs.size());
  for (const Tensor& input : call.inputs) inputs.push_back({input, nullptr});
  std::vector<Tensor> outputs(call.outputs.size());
  KernelContext context(call.attrs, inputs, call.outputs, outputs, device);
  const Device::Turn turn(device);
  EXPECT_EQ(kernel(context), absl::OkStatus());
  return outputs;
}

// One NaN is as good as another.
template <typename T>
bool SameBits(T x, T y) {
  if constexpr (!std::is_floating_point_v<T>) {
    return x == y;
  } else {
    if (std::isnan(x)) return std::isnan(y);
    return x == y && std::signbit(x) == std::signbit(y);
  }
}

// `roundings`: by how many units in the last place of the largest term elements may differ.
template <typename T>
void ExpectEqual(const Tensor& expected, const Tensor& actual, double roundings,
                 const std::string& what) {
  ASSERT_EQ(expected.num_elements(), actual.num_elements()) << what;
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    const T e = expected.data<T>()[i];
    const T a = actual.data<T>()[i];
    if (SameBits(e, a)) continue;
    ASSERT_GT(roundings, 0) << what << ": " << +a << ", not " << +e << ", at " << i;
    const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
    const double size = std::max(std::abs(static_cast<double>(e)), 1.0);
    const double most = roundings * unit * size;
    ASSERT_TRUE(e == a || std::abs(static_cast<double>(a) - static_cast<double>(e)) <= most)
        << what << ": " << +a << ", not " << +e << ", at " << i;
  }
}

class VariantsTest : public ::testing::Test {
 protected:
  // Numbers of both signs with ties, and now and then zeros, infinities and NaN.
  template <typename T>
  Tensor Random(const Shape& shape, bool special) {
    Tensor t(kDTypeOf<T>, shape);
    for (T& x : t.mutable_values<T>()) x = Number<T>(special);
    return t;
  }
  template <typename T>
  T Number(bool special) {
    if constexpr (!std::is_floating_point_v<T>) {
      return static_cast<T>(Below(special ? std::numeric_limits<int>::max() : 9) + 1);
    } else {
      constexpr T kInf = std::numeric_limits<T>::infinity();
      const T values[] = {0, -T{0}, kInf, -kInf, std::numeric_limits<T>::quiet_NaN(), 1};
      if (special && Below(9) == 0) return values[Below(5)];
      if (Below(3) == 0) return static_cast<T>(Below(4)) - 2;
      return std::uniform_real_distribution<T>(-6, 6)(random_);
    }
  }
  template <typename T>
  static Tensor WithoutZeros(Tensor t) {
    for (T& x : t.mutable_values<T>()) x = x == 0 ? 1 : x;
    return t;
  }
  int64_t Below(int64_t most) { return std::uniform_int_distribution<int64_t>(0, most)(random_); }

  // Runs the kernels in each variant. T: the element type of all outputs but places, of int64.
  template <typename T>
  void Compare(const Kernels& kernels, const Call& call, double roundings = 0) {
    for (const KernelFn kernel : kernels) {
      const int64_t number = std::find(table_.begin(), table_.end(), kernel) - table_.begin();
      ASSERT_LT(number, static_cast<int64_t>(table_.size())) << "a kernel that is not a hot one";
      compared_.insert(number);
      const std::vector<Tensor> expected = Results(kernel, call, device_);
      for (const KernelVariant& variant : KernelVariants()) {
        const std::vector<Tensor> actual = Results(KernelOf(variant, kernel), call, device_);
        for (size_t i = 0; i < expected.size(); ++i) {
          const std::string what = "kernel " + std::to_string(number) + " of hot.cc, " +
                                   std::string(variant.name) + ", " +
                                   call.inputs[0].shape().ToString();
          if (expected[i].dtype() == DType::kInt64) {
            ExpectEqual<int64_t>(expected[i], actual[i], 0, what);
          } else {
            ExpectEqual<T>(expected[i], actual[i], roundings, what);
          }
        }
      }
    }
  }

  template <typename T>
  void CompareElementwise();
  template <typename T>
  void CompareFloats();
  template <typename T>
  void CompareReductions();
  template <typename T>
  void CompareSoftmax();
  template <typename T>
  void ComparePools();
  template <typename T>
  void CompareDepthwise();

  static Kernels HotKernels() {
    Kernels kernels;
    for (int i = 0; varscope_hot_kernels[i] != nullptr; ++i) {
      kernels.push_back(varscope_hot_kernels[i]);
    }
    return kernels;
  }

  const Kernels table_ = HotKernels();
  std::set<int64_t> compared_;
  std::mt19937 random_{20261128};
  Device device_{2};
};

// Around the sizes of vectors, and of what two threads share.
constexpr int64_t kSizes[] = {1, 3, 8, 15, 16, 17, 33, 64, 257, 1023};

template <typename T>
void VariantsTest::CompareElementwise() {
  using namespace kernels;
  const DType dtype = kDTypeOf<T>;
  for (const int64_t n : kSizes) {
    for (const bool special : {false, true}) {
      const OutputSpec same{dtype, Shape{n}};
      const Tensor x = Random<T>({n}, special);
      const Tensor y = Random<T>({n}, special);
      Compare<T>({Neg, Abs, Sign, Square}, {{}, {x}, {same}});
      for (const Tensor& second : {y, Random<T>({1}, special)}) {
        Compare<T>({Add, Sub, Mul, Maximum, Minimum, SquaredDifference}, {{}, {x, second}, {same}});
        Compare<bool>({Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual},
                      {{}, {x, second}, {{DType::kBool, Shape{n}}}});
      }
      Compare<T>({AddN}, {{}, {x, y, x}, {same}});
      Compare<T>({FloorDiv}, {{}, {x, WithoutZeros<T>(y)}, {same}});
    }
  }
}

template <typename T>
void VariantsTest::CompareFloats() {
  using namespace kernels;
  constexpr double kApproximations = 8;  // two polynomials of a function
  const DType dtype = kDTypeOf<T>;
  for (const int64_t n : kSizes) {
    for (const bool special : {false, true}) {
      const OutputSpec same{dtype, Shape{n}};
      const Tensor x = Random<T>({n}, special);
      const Tensor y = Random<T>({n}, special);
      Compare<T>(
          {Sqrt, Rsqrt, Reciprocal, Log1p, Floor, Relu, Relu6, LeakyRelu, Elu, Selu, Softplus},
          {{{"alpha", 0.2}}, {x}, {same}});
      Compare<T>({Sigmoid, Tanh, Sin, Cos}, {{}, {x}, {same}}, kApproximations);
      Compare<T>({Exp, Log}, {{}, {x}, {same}}, kApproximations);
      Compare<T>({RealDiv, Pow, ReluGrad, Relu6Grad, LeakyReluGrad, EluGrad, SeluGrad, SqrtGrad,
                  RsqrtGrad, ReciprocalGrad, SquareGrad},
                 {{{"alpha", 0.2}}, {x, y}, {same}});
    }
    Compare<int32_t>(
        {Cast}, {{{"dtype", DType::kInt32}}, {Random<T>({n}, false)}, {{DType::kInt32, Shape{n}}}});
  }
}

template <typename T>
void VariantsTest::CompareReductions() {
  using namespace kernels;
  const DType dtype = kDTypeOf<T>;
  for (const int64_t n : kSizes) {
    const auto sums = std::is_floating_point_v<T> ? static_cast<double>(8 * n + 64) : 0.0;
    for (const bool special : {false, true}) {
      const Tensor x = Random<T>({5, n, 3}, special);
      const auto call = [&](std::vector<int64_t> axes, Shape shape) {
        return Call{{{"axis", std::move(axes)}}, {x}, {{dtype, std::move(shape)}}};
      };
      for (const Call& one : {call({1, 2}, {5}), call({0}, {n, 3}), call({1}, {5, 3}),
                              call({2}, {5, n}), call({0, 1, 2}, {}), call({0, 2}, {n})}) {
        Compare<T>({Max, Min, Prod}, one);
        Compare<T>({Sum, Mean}, one, sums);
      }
      Compare<int64_t>({ArgMax, ArgMin},
                       {{{"axis", int64_t{1}}}, {x}, {{DType::kInt64, Shape{5, 3}}}});
      Compare<T>({SumLike}, {{}, {x}, {{dtype, Shape{n, 1}}}}, sums);
    }
  }
}

template <typename T>
void VariantsTest::CompareSoftmax() {
  using namespace kernels;
  const DType dtype = kDTypeOf<T>;
  for (const int64_t n : kSizes) {
    const auto roundings = static_cast<double>(8 * n + 64);
    const Tensor x = Random<T>({5, n}, false);
    const OutputSpec same{dtype, Shape{5, n}};
    const OutputSpec rows{dtype, Shape{5}};
    Tensor labels(DType::kInt64, Shape{5});
    for (int64_t& label : labels.mutable_values<int64_t>()) label = Below(n - 1);
    Compare<T>({Softmax, LogSoftmax}, {{}, {x}, {same}}, roundings);
    Compare<T>({SoftmaxCrossEntropy}, {{}, {x, Random<T>({5, n}, false)}, {rows, same}},
               8 * roundings);
    Compare<T>({SparseSoftmaxCrossEntropy}, {{}, {x, labels}, {rows, same}}, roundings);
    Compare<T>({L2Loss}, {{}, {x}, {{dtype, Shape{}}}}, roundings);
    const Attrs scan{
        {"axis", std::vector<int64_t>{1}}, {"exclusive", n % 2 == 0}, {"reverse", n < 9}};
    Compare<T>({Cumsum, Cumprod}, {scan, {x}, {same}});
    Compare<T>(
        {BroadcastReduced},
        {{{"axis", std::vector<int64_t>{0}}, {"mean", true}}, {Random<T>({n}, false)}, {same}});
  }
}

template <typename T>
void VariantsTest::ComparePools() {
  using namespace kernels;
  const DType dtype = kDTypeOf<T>;
  for (const int64_t channels : {1, 3, 16, 70}) {
    for (const char* const padding : {"SAME", "VALID"}) {
      const std::string same = "SAME";
      const int64_t side = padding == same ? 4 : 3;
      const Attrs window{{"ksize", std::vector<int64_t>{1, 3, 2, 1}},
                         {"strides", std::vector<int64_t>{1, 2, 2, 1}},
                         {"padding", std::string(padding)}};
      const OutputSpec small{dtype, Shape{2, side, 3, channels}};
      const OutputSpec large{dtype, Shape{2, 7, 6, channels}};
      const Tensor x = Random<T>(large.shape, false);
      const Tensor dy = Random<T>(small.shape, false);
      Compare<T>({MaxPool, AvgPool}, {window, {x}, {small}});
      Attrs places = window;
      places.Set("include_batch_in_index", channels % 2 == 0);
      Compare<T>({MaxPoolWithArgmax}, {places, {x}, {small, {DType::kInt64, small.shape}}});
      Compare<T>({MaxPoolGrad}, {window, {dy, x}, {large}});
      Compare<T>({MaxPoolGradGrad}, {window, {Random<T>(large.shape, true), x}, {small}});
      Compare<T>({AvgPoolGrad}, {window, {dy, x}, {large}});
    }
  }
}

template <typename T>
void VariantsTest::CompareDepthwise() {
  using namespace kernels;
  const DType dtype = kDTypeOf<T>;
  for (const int64_t channels : {1, 3, 16, 70}) {
    for (const int64_t each : {1, 2}) {
      const Attrs window{{"strides", std::vector<int64_t>{1, 2, 2, 1}},
                         {"padding", std::string("SAME")}};
      const OutputSpec images{dtype, Shape{2, 7, 6, channels}};
      const OutputSpec filter{dtype, Shape{3, 2, channels, each}};
      const OutputSpec made{dtype, Shape{2, 4, 3, channels * each}};
      const Tensor x = Random<T>(images.shape, true);
      const Tensor kernel = Random<T>(filter.shape, false);
      const Tensor dy = Random<T>(made.shape, false);
      Compare<T>({DepthwiseConv2D}, {window, {x, kernel}, {made}});
      Compare<T>({DepthwiseConv2DBackpropInput}, {window, {dy, kernel, x}, {images}});
      Compare<T>({DepthwiseConv2DBackpropFilter}, {window, {dy, x, kernel}, {filter}});
    }
  }
}

TEST_F(VariantsTest, GiveTheSame) {
  CompareElementwise<float>();
  CompareElementwise<double>();
  CompareElementwise<int32_t>();
  CompareElementwise<int64_t>();
  CompareFloats<float>();
  CompareFloats<double>();
  CompareReductions<float>();
  CompareReductions<double>();
  CompareReductions<int32_t>();
  CompareReductions<int64_t>();
  CompareReductions<uint8_t>();
  CompareSoftmax<float>();
  CompareSoftmax<double>();
  ComparePools<float>();
  ComparePools<double>();
  CompareDepthwise<float>();
  CompareDepthwise<double>();
  EXPECT_EQ(compared_.size(), table_.size()) << "a hot kernel is not compared here";
}

TEST_F(VariantsTest, AreTablesOfTheirOwnInOneOrder) {
  const std::vector<KernelVariant> variants = KernelVariants();
  EXPECT_EQ(variants[0].name, "baseline");
  std::set<KernelFn> all;
  for (const KernelVariant& variant : variants) {
    for (size_t i = 0; i < table_.size(); ++i) {
      ASSERT_NE(variant.kernels[i], nullptr) << variant.name;
      EXPECT_TRUE(all.insert(variant.kernels[i]).second) << variant.name << " " << i;
    }
    EXPECT_EQ(variant.kernels[table_.size()], nullptr) << variant.name;
    EXPECT_EQ(KernelOf(variant, kernels::MatMul), kernels::MatMul);
  }
}

// What the whole process runs by is not touched: it has chosen.
TEST_F(VariantsTest, TheEnvironmentChooses) {
  const char* const before = std::getenv("VARSCOPE_KERNELS");
  const std::string kept = before == nullptr ? "" : before;
  for (const KernelVariant& variant : KernelVariants()) {
    setenv("VARSCOPE_KERNELS", std::string(variant.name).c_str(), 1);
    EXPECT_EQ(ChosenVariant().name, variant.name);
  }
  unsetenv("VARSCOPE_KERNELS");
  EXPECT_EQ(ChosenVariant().name, KernelVariants().back().name);
  setenv("VARSCOPE_KERNELS", "v99", 1);
  try {
    ChosenVariant();
    ADD_FAILURE() << "no error";
  } catch (const ValueError& error) {
    EXPECT_THAT(error.what(),
                ::testing::StartsWith("VARSCOPE_KERNELS is 'v99'; this machine runs: baseline"));
  }
  setenv("VARSCOPE_KERNELS", kept.c_str(), 1);
}

}  // namespace
}  // namespace varscope::internal
