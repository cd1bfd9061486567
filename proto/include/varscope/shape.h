// The shape of a tensor, possibly with unknown dimensions or unknown rank.
#ifndef VARSCOPE_SHAPE_H_
#define VARSCOPE_SHAPE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace varscope {

// The dimensions of a shape, the outermost first. Few are inside, so that who goes over the shapes
// of many tensors finds them there; copies share those of more. Copying never fails.
class Dims {
 public:
  using value_type = int64_t;
  using const_iterator = const int64_t*;
  using iterator = const_iterator;

  Dims() = default;
  Dims(const Dims&) = default;  // also instead of moves, after which one is as it was
  Dims& operator=(const Dims&) = default;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const int64_t* data() const { return more_ == nullptr ? few_.data() : more_->data(); }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + size_; }
  int64_t operator[](size_t i) const { return data()[i]; }
  int64_t front() const { return (*this)[0]; }
  int64_t back() const { return (*this)[size_ - 1]; }
  // To be changed, and made a shape again.
  operator std::vector<int64_t>() const { return {begin(), end()}; }  // NOLINT: it is one

  friend bool operator==(const Dims& a, const Dims& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  friend class Shape;
  explicit Dims(std::span<const int64_t> dims);

  size_t size_ = 0;
  std::array<int64_t, 4> few_{};
  std::shared_ptr<const std::vector<int64_t>> more_;  // null: all are in few_
};

// A value type; TensorFlow's TensorShape. Thread-compatible. Nothing is checked here: what a shape
// is used for checks it.
class Shape {
 public:
  // A dimension that is not known. No other may be negative.
  static constexpr int64_t kUnknownDim = -1;
  // Tensors of more dimensions cannot be made.
  static constexpr int kMaxRank = 16;

  // A scalar.
  Shape() = default;
  // The outermost dimension first.
  Shape(std::initializer_list<int64_t> dims) : dims_({dims.begin(), dims.size()}) {}
  explicit Shape(const std::vector<int64_t>& dims) : dims_(std::span(dims)) {}
  // Returns a shape of which not even the rank is known.
  static Shape Unknown();

  bool known_rank() const { return known_rank_; }
  // Returns the number of dimensions; 0 when it is unknown.
  int rank() const { return static_cast<int>(dims_.size()); }
  // Returns the dimensions; none when the rank is unknown. Valid as long as the shape.
  const Dims& dims() const& { return dims_; }
  Dims dims() && { return dims_; }
  // Returns one dimension; a negative axis counts from the end. Requires axis in [-rank(), rank()).
  int64_t dim(int axis) const {
    return dims_[static_cast<size_t>(axis < 0 ? axis + rank() : axis)];
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
    return a.known_rank_ == b.known_rank_ && a.dims_ == b.dims_;
  }

 private:
  bool known_rank_ = true;
  Dims dims_;
};

}  // namespace varscope

#endif  // VARSCOPE_SHAPE_H_
