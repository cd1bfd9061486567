// Batches of indices as embeddings see them.
#ifndef VARSCOPE_TESTS_BENCH_ZIPF_H_
#define VARSCOPE_TESTS_BENCH_ZIPF_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace varscope::bench {

// The same in each process: Zipf-distributed with exponent 1.1, drawn by the inverse of the
// distribution function.
class ZipfBatches {
 public:
  static constexpr int64_t kRows = 1'000'000;
  static constexpr int64_t kWidth = 64;
  static constexpr int64_t kBatch = 4096;
  // Rows and their numbers.
  static constexpr uint64_t kBytes = kBatch * (kWidth * sizeof(float) + sizeof(int64_t));
  static constexpr const char* kWhat = "push of 4096 rows+Adagrad";
  static constexpr const char* kPullWhat = "pull of 4096 rows";

  ZipfBatches() {
    constexpr double kExponent = 1.1;
    std::vector<double> cumulative(kRows);
    double sum = 0;
    for (int64_t i = 0; i < kRows; ++i) {
      sum += 1 / std::pow(static_cast<double>(i + 1), kExponent);
      cumulative[i] = sum;
    }
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> uniform(0, sum);
    for (int b = 0; b < 16; ++b) {
      std::vector<int64_t>& rows = batches_.emplace_back(kBatch);
      for (int64_t& row : rows) {
        const auto at = std::lower_bound(cumulative.begin(), cumulative.end(), uniform(random));
        row = std::min<int64_t>(at - cumulative.begin(), kRows - 1);
      }
    }
  }
  const std::vector<std::vector<int64_t>>& all() const { return batches_; }

 private:
  std::vector<std::vector<int64_t>> batches_;
};

}  // namespace varscope::bench

#endif  // VARSCOPE_TESTS_BENCH_ZIPF_H_
