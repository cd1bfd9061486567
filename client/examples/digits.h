// The UCI optical digits: 1,797 images of 8 x 8 pixels.
#ifndef VARSCOPE_CLIENT_EXAMPLES_DIGITS_H_
#define VARSCOPE_CLIENT_EXAMPLES_DIGITS_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "varscope/tensor.h"

namespace varscope::examples {

inline constexpr int kSide = 8;
inline constexpr int kPixels = kSide * kSide;
inline constexpr int kClasses = 10;

struct Batch {
  Tensor images;  // float32 [n, 64], 0 to 1
  Tensor labels;  // int64 [n]
};

class Digits {
 public:
  // Reads the gzipped CSV file. Throws std::runtime_error, naming the line, when it is not that.
  static Digits Load(const std::string& path);

  // A split that is the same in every process: a fifth of a fixed shuffle is for the test.
  const Digits& train() const { return *train_; }
  const Digits& test() const { return *test_; }

  int64_t size() const { return static_cast<int64_t>(labels_.size()); }
  Batch All() const;
  Batch Sample(int64_t n, std::mt19937& random) const;

 private:
  void Add(const float* pixels, int64_t label);
  Batch Take(const std::vector<int64_t>& rows) const;
  void Split();

  std::vector<float> pixels_;
  std::vector<int64_t> labels_;
  std::shared_ptr<Digits> train_;
  std::shared_ptr<Digits> test_;
};

}  // namespace varscope::examples

#endif  // VARSCOPE_CLIENT_EXAMPLES_DIGITS_H_
