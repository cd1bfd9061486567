// A dense value: dtype, shape and a reference-counted block of bytes.
#ifndef VARSCOPE_TENSOR_H_
#define VARSCOPE_TENSOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "varscope/dtype.h"
#include "varscope/shape.h"

namespace varscope {

class Block;

// Where blocks go that nobody needs any more, to be used again. Thread-safe.
class BlockHome {
 public:
  virtual ~BlockHome() = default;
  virtual void Return(std::unique_ptr<Block> block) = 0;
};

// A fixed block of 64-byte aligned memory. Immutable by convention once a second owner exists.
class Block {
 public:
  static constexpr size_t kAlignment = 64;

  // Null when the memory cannot be had. Contents are uninitialized.
  static std::unique_ptr<Block> TryAllocate(size_t size);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  // Nobody needs the bytes until they are written again: the system may have the pages meanwhile.
  void Offer();

 private:
  friend class BlockRef;
  Block(std::byte* data, size_t size) : data_(data), size_(size) {}
  std::byte* const data_;
  const size_t size_;
  std::atomic<uint32_t> owners_{0};
  std::shared_ptr<BlockHome> home_;
};

// One of a block's owners. The last one returns it to its home, or frees it. std::shared_ptr would
// not do: its use_count() does not see what other owners did before they let go, so that who finds
// itself alone must not write yet.
class BlockRef {
 public:
  BlockRef() = default;
  explicit BlockRef(std::unique_ptr<Block> block, std::shared_ptr<BlockHome> home = nullptr);
  ~BlockRef() { Drop(); }
  BlockRef(const BlockRef& other) : block_(other.block_) { Add(); }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }

  Block* get() const { return block_; }
  Block* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }
  // True when this is the only owner; whatever other owners did with the bytes lies before.
  bool unique() const { return block_->owners_.load(std::memory_order_acquire) == 1; }

 private:
  void Add() {
    if (block_ != nullptr) block_->owners_.fetch_add(1, std::memory_order_relaxed);
  }
  void Drop();

  Block* block_ = nullptr;  // owned together with the other refs
};

// Copying a Tensor shares its bytes; Clone copies them. Row-major, little-endian.
// Thread-compatible: concurrent reads are safe, a writer needs exclusive use of the bytes.
class Tensor {
 public:
  Tensor() = default;

  // Uninitialized bytes. Throws std::bad_alloc without memory, and for a shape that has no size.
  Tensor(DType dtype, Shape shape);

  // Over memory that the caller has; `block` must hold the shape's bytes.
  static Tensor FromBlock(DType dtype, Shape shape, BlockRef block);

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

  bool defined() const { return static_cast<bool>(block_); }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t num_elements() const { return num_elements_; }
  size_t byte_size() const { return static_cast<size_t>(num_elements_) * SizeOf(dtype_); }

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

  const BlockRef& block() const { return block_; }
  // True when no other Tensor shares the bytes, so that they may be written.
  bool unique() const { return block_.unique(); }
  // Copies the bytes unless they are unique, so that they may be written.
  void MakeUnique() {
    if (!unique()) *this = Clone();
  }

  friend bool BytesEqual(const Tensor& a, const Tensor& b) {
    return a.dtype_ == b.dtype_ && a.shape_ == b.shape_ &&
           std::memcmp(a.raw(), b.raw(), a.byte_size()) == 0;
  }

 private:
  DType dtype_ = DType::kInvalid;
  Shape shape_;
  int64_t num_elements_ = 0;
  BlockRef block_;
};

// The index of the first element that is NaN or infinite; -1 when there is none or the dtype has
// no such values.
int64_t FirstNonFinite(const Tensor& tensor);

// Whether none of these elements, as they lie in memory, is NaN or infinite. On the calling thread.
bool AllFinite(DType dtype, std::span<const std::byte> elements);

// Up to `limit` elements, as NumPy would print them on one line: "[0.5 1 ...]".
std::string Summarize(const Tensor& tensor, int64_t limit = 8);

}  // namespace varscope

#endif  // VARSCOPE_TENSOR_H_
