#include "client/kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <iterator>
#include <random>
#include <vector>

extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int);

namespace varscope::internal {
namespace {

int Threads() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<int>(std::distance(begin(threads), end(threads)));
}

// The sum in double, element by element.
template <typename T>
std::vector<double> Slowly(const MatMulArgs<T>& x) {
  std::vector<double> c(x.m * x.n);
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t j = 0; j < x.n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < x.k; ++k) {
        const T a = x.transpose_a ? x.a[k * x.m + i] : x.a[i * x.k + k];
        const T b = x.transpose_b ? x.b[j * x.k + k] : x.b[k * x.n + j];
        sum += static_cast<double>(a) * static_cast<double>(b);
      }
      c[i * x.n + j] = sum;
    }
  }
  return c;
}

template <typename T>
class MatMulTest : public ::testing::Test {
 protected:
  std::vector<T> Random(int64_t count) {
    std::vector<T> values(count);
    for (T& value : values) value = std::uniform_real_distribution<T>(-1, 1)(random_);
    return values;
  }
  int64_t Below(int64_t bound) { return std::uniform_int_distribution<int64_t>(0, bound)(random_); }

  std::mt19937 random_{20261127};
};

using Floats = ::testing::Types<float, double>;
TYPED_TEST_SUITE(MatMulTest, Floats);

// Sides around those at which a thread's share, or a kernel's block, ends.
TYPED_TEST(MatMulTest, IsTheSumOfProducts) {
  using T = TypeParam;
  for (const int threads : {1, 2, 3, 7}) {
    Device device(threads);
    for (int i = 0; i < 60; ++i) {
      const auto side = [&] {
        const int64_t around[] = {0, 1, 2, 15, 16, 17, 47, 48, 49, 129};
        return around[this->Below(9)] + this->Below(1) * this->Below(100);
      };
      MatMulArgs<T> x{.m = side(), .n = side(), .k = side()};
      x.transpose_a = this->Below(1) == 1;
      x.transpose_b = this->Below(1) == 1;
      const std::vector<T> a = this->Random(x.m * x.k);
      const std::vector<T> b = this->Random(x.k * x.n);
      std::vector<T> c(x.m * x.n, std::nan(""));  // whatever was there is gone
      x.a = a.data();
      x.b = b.data();
      x.c = c.data();
      ASSERT_TRUE(MatMulInto(device, x).ok());
      const std::vector<double> expected = Slowly(x);
      for (size_t at = 0; at < c.size(); ++at) {
        ASSERT_NEAR(c[at], expected[at], 1e-6 * static_cast<double>(x.k + 1))
            << x.m << " " << x.k << " " << x.n << " " << x.transpose_a << x.transpose_b;
      }
    }
  }
}

// Not even where the program that uses the library has given OpenMP many.
TEST(MatMulThreadsTest, OnlyTheDevicesThreadsCompute) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(5);
  const int at_first = Threads();
  Device device(2);
  const int with_device = Threads();
  const std::vector<float> a(512 * 512, 1);
  std::vector<float> c(512 * 512);
  ASSERT_TRUE(
      MatMulInto(device, MatMulArgs<float>{a.data(), a.data(), c.data(), 512, 512, 512}).ok());
  EXPECT_EQ(c[0], 512);
  EXPECT_EQ(Threads(), with_device);
  EXPECT_LE(with_device, at_first + 1);
  EXPECT_EQ(omp_get_max_threads(), 5);
  omp_set_num_threads(before);
}

}  // namespace
}  // namespace varscope::internal
