// A dense value: dtype, shape and a reference-counted block of bytes.
#ifndef VARSCOPE_PROTO_CORE_TENSOR_H_
#define VARSCOPE_PROTO_CORE_TENSOR_H_

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/core/dtype.h"
#include "proto/core/shape.h"

namespace varscope {

// A fixed block of 64-byte aligned memory. Immutable by convention once a second owner exists.
class Block {
 public:
  static constexpr size_t kAlignment = 64;

  // Null when the memory cannot be had. Contents are uninitialized.
  static std::shared_ptr<Block> TryAllocate(size_t size);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Block(std::byte* data, size_t size) : data_(data), size_(size) {}
  std::byte* const data_;
  const size_t size_;
};

// Copying a Tensor shares its bytes; Clone copies them. Row-major, little-endian.
// Thread-compatible: concurrent reads are safe, a writer needs exclusive use of the bytes.
class Tensor {
 public:
  Tensor() = default;

  // Uninitialized bytes. InvalidArgument for a bad shape, ResourceExhausted without memory.
  static absl::StatusOr<Tensor> TryAllocate(DType dtype, const Shape& shape);

  // As TryAllocate, for shapes that were checked before; throws std::bad_alloc without memory.
  Tensor(DType dtype, Shape shape);

  // Over memory that the caller has; `block` must hold the shape's bytes.
  static Tensor FromBlock(DType dtype, Shape shape, std::shared_ptr<Block> block);

  template <typename T>
  static Tensor Scalar(T value) {
    Tensor t(kDTypeOf<T>, Shape{});
    *t.mutable_data<T>() = value;
    return t;
  }
  template <typename T>
  static Tensor Of(Shape shape, const std::vector<T>& values) {
    Tensor t(kDTypeOf<T>, std::move(shape));
    for (size_t i = 0; i < values.size() && i < static_cast<size_t>(t.num_elements()); ++i) {
      t.mutable_data<T>()[i] = values[i];
    }
    return t;
  }

  bool defined() const { return block_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t num_elements() const { return num_elements_; }
  size_t byte_size() const { return num_elements_ * SizeOf(dtype_); }

  const std::byte* raw() const { return block_->data(); }
  std::byte* mutable_raw() { return block_->data(); }
  std::span<const std::byte> bytes() const { return {raw(), byte_size()}; }
  // T must be the dtype's C++ type.
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(block_->data());
  }
  template <typename T>
  T* mutable_data() {
    return reinterpret_cast<T*>(block_->data());
  }
  template <typename T>
  std::span<const T> values() const {
    return {data<T>(), static_cast<size_t>(num_elements_)};
  }
  template <typename T>
  std::span<T> mutable_values() {
    return {mutable_data<T>(), static_cast<size_t>(num_elements_)};
  }
  template <typename T>
  T scalar() const {
    return data<T>()[0];
  }

  // The same bytes under another shape with as many elements.
  Tensor Reshaped(Shape shape) const;
  Tensor Clone() const;

  const std::shared_ptr<Block>& block() const { return block_; }
  // True when no other Tensor shares the bytes, so that they may be written.
  bool unique() const { return block_.use_count() == 1; }

  friend bool BytesEqual(const Tensor& a, const Tensor& b) {
    return a.dtype_ == b.dtype_ && a.shape_ == b.shape_ &&
           std::memcmp(a.raw(), b.raw(), a.byte_size()) == 0;
  }

 private:
  DType dtype_ = DType::kInvalid;
  Shape shape_;
  int64_t num_elements_ = 0;
  std::shared_ptr<Block> block_;
};

// The index of the first element that is NaN or infinite; -1 when there is none or the dtype has
// no such values.
int64_t FirstNonFinite(const Tensor& tensor);

// Up to `limit` elements, as NumPy would print them on one line: "[0.5 1 ...]".
std::string Summarize(const Tensor& tensor, int64_t limit = 8);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CORE_TENSOR_H_
