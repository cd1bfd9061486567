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
// Thread-compatible. Nothing is checked here: what a shape is used for checks it.
class Shape {
 public:
  // A dimension that is not known. No other may be negative.
  static constexpr int64_t kUnknownDim = -1;
  // Tensors of more dimensions cannot be made.
  static constexpr int kMaxRank = 16;

  // A scalar.
  Shape() = default;
  // The outermost dimension first.
  Shape(std::initializer_list<int64_t> dims) : Shape(std::vector<int64_t>(dims)) {}
  explicit Shape(std::vector<int64_t> dims);
  // Returns a shape of which not even the rank is known.
  static Shape Unknown();

  bool known_rank() const { return known_rank_; }
  // Returns the number of dimensions; 0 when it is unknown.
  int rank() const { return static_cast<int>(dims().size()); }
  // Returns the dimensions; none when the rank is unknown. Valid as long as a copy of this shape.
  const std::vector<int64_t>& dims() const { return dims_ == nullptr ? kNone : *dims_; }
  // Returns one dimension; a negative axis counts from the end. Requires axis in [-rank(), rank()).
  int64_t dim(int axis) const {
    return dims()[static_cast<size_t>(axis < 0 ? axis + rank() : axis)];
  }
  // True when the rank and all dimensions are known.
  bool IsFullyDefined() const;

  // Returns the product of the dimensions, 1 for a scalar. Requires IsFullyDefined() and no
  // overflow; the constructor of Tensor checks both.
  int64_t num_elements() const;

  // True when some fully defined shape fits both.
  bool IsCompatibleWith(const Shape& other) const;

  // Returns it as Python prints it: "()", "(2,)", "(2, 3)", "(None, 3)", "<unknown>".
  std::string ToString() const;

  // True when rank and dimensions are the same; an unknown dimension is the same as itself alone.
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
