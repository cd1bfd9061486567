// Choices of a run: of a seed, or of a fuzzer's bytes.
#ifndef VARSCOPE_TESTS_SIMULATION_DRAWS_H_
#define VARSCOPE_TESTS_SIMULATION_DRAWS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace varscope::simulation {

// Not thread-safe.
class Draws {
 public:
  Draws() = default;
  virtual ~Draws() = default;
  Draws(const Draws&) = delete;
  Draws& operator=(const Draws&) = delete;

  // Returns a number from 0 to `bound` - 1; `bound` is not 0. `what` is for people.
  virtual uint64_t Draw(const char* what, uint64_t bound) = 0;

  bool OneIn(const char* what, uint64_t bound) { return Draw(what, bound) == 0; }
  template <typename T>
  const T& OneOf(const char* what, const std::vector<T>& all) {
    return all[Draw(what, all.size())];
  }
};

// Each choice takes as few bytes as its bound needs. When there are no more, every choice is 0.
class ByteDraws final : public Draws {
 public:
  // The bytes outlive it.
  explicit ByteDraws(std::span<const uint8_t> bytes) : left_(bytes) {}

  uint64_t Draw(const char* /*what*/, uint64_t bound) override {
    uint64_t drawn = 0;
    for (uint64_t most = bound - 1; most > 0 && !left_.empty(); most >>= 8) {
      drawn = drawn << 8 | left_.front();
      left_ = left_.subspan(1);
    }
    return drawn % bound;
  }
  bool empty() const { return left_.empty(); }
  // All that has not been used.
  std::span<const uint8_t> left() const { return left_; }

 private:
  std::span<const uint8_t> left_;
};

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_DRAWS_H_
