// The shape of a tensor, possibly with unknown dimensions or unknown rank.
#ifndef VARSCOPE_SHAPE_H_
#define VARSCOPE_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace varscope {

// A value type; TensorFlow's TensorShape. Copies share their dimensions, which never change.
// Thread-compatible.
class Shape {
 public:
  static constexpr int64_t kUnknownDim = -1;
  static constexpr int kMaxRank = 16;

  Shape() = default;  // a scalar
  Shape(std::initializer_list<int64_t> dims) : Shape(std::vector<int64_t>(dims)) {}
  explicit Shape(std::vector<int64_t> dims);
  static Shape Unknown();

  bool known_rank() const { return known_rank_; }
  // 0 when the rank is unknown.
  int rank() const { return static_cast<int>(dims().size()); }
  const std::vector<int64_t>& dims() const { return dims_ == nullptr ? kNone : *dims_; }
  int64_t dim(int axis) const {
    return dims()[static_cast<size_t>(axis < 0 ? axis + rank() : axis)];
  }
  bool IsFullyDefined() const;

  // The product of the dimensions. Requires IsFullyDefined() and no overflow: call ByteSize first
  // for a shape that came from outside.
  int64_t num_elements() const;

  // True when some fully defined shape fits both.
  bool IsCompatibleWith(const Shape& other) const;

  // As Python prints it: "()", "(2,)", "(2, 3)", "(None, 3)", "<unknown>".
  std::string ToString() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.known_rank_ == b.known_rank_ && (a.dims_ == b.dims_ || a.dims() == b.dims());
  }

 private:
  static const std::vector<int64_t> kNone;

  bool known_rank_ = true;
  std::shared_ptr<const std::vector<int64_t>> dims_;  // null: none
};

}  // namespace varscope

#endif  // VARSCOPE_SHAPE_H_
