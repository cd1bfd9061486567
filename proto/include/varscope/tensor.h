// A dense value: dtype, shape and a reference-counted block of bytes.
#ifndef VARSCOPE_TENSOR_H_
#define VARSCOPE_TENSOR_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
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
  // Takes a block whose last owner is gone, on that owner's thread.
  virtual void Return(std::unique_ptr<Block> block) = 0;
};

// A fixed block of 64-byte aligned memory. Immutable by convention once a second owner exists.
// Programs use Tensor.
class Block {
 public:
  static constexpr size_t kAlignment = 64;

  // Returns a block of `size` bytes, uninitialized; null when the memory cannot be had, or does not
  // fit into the process's limit (proto/memory/memory_account.h).
  static std::unique_ptr<Block> TryAllocate(size_t size);
  // The same whatever that limit is; null when the system has none.
  static std::unique_ptr<Block> AllocateAnyway(size_t size);
  ~Block();
  // NOLINTNEXTLINE(misc-new-delete-overloads): of what TryAllocate took
  static void operator delete(void* block);
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Valid as long as the block.
  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  // Nobody needs the bytes until they are written again: the system may have the pages meanwhile.
  void Offer();

 private:
  friend class BlockRef;
  static std::unique_ptr<Block> Create(size_t size);
  Block(std::byte* data, size_t size) : data_(data), size_(size) {}
  std::byte* const data_;
  const size_t size_;
  std::atomic<uint32_t> owners_{0};
  std::shared_ptr<BlockHome> home_;
};

// One of a block's owners, or none. The last one returns it to its home, or frees it. Owners of one
// block may be used by different threads, one owner by one thread at a time. std::shared_ptr would
// not do: its use_count() does not see what other owners did before they let go, so that who finds
// itself alone must not write yet.
class BlockRef {
 public:
  BlockRef() = default;
  // The first owner of the block, which may be null; without a home it is freed in the end.
  explicit BlockRef(std::unique_ptr<Block> block, std::shared_ptr<BlockHome> home = nullptr);
  ~BlockRef() { Drop(); }
  BlockRef(const BlockRef& other) : block_(other.block_) { Add(); }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }

  // Returns the block; null when there is none.
  Block* get() const { return block_; }
  Block* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }
  // True when this is the only owner; whatever other owners did with the bytes lies before.
  // Requires a block.
  bool unique() const { return block_->owners_.load(std::memory_order_acquire) == 1; }

 private:
  void Add() {
    if (block_ != nullptr) block_->owners_.fetch_add(1, std::memory_order_relaxed);
  }
  void Drop();

  Block* block_ = nullptr;  // owned together with the other refs
};

// Copying a Tensor shares its bytes; Clone copies them. Row-major, little-endian. A bool is a byte,
// 0 or 1. Thread-compatible: concurrent reads are safe, a writer needs exclusive use of the bytes.
//
// A default-constructed Tensor is undefined: it has kInvalid, no elements and no bytes. What reads
// or writes bytes requires defined().
class Tensor {
 public:
  Tensor() = default;

  // Uninitialized bytes. Throws std::bad_alloc without memory, for kInvalid, and for a shape that
  // is not fully defined, has more than Shape::kMaxRank dimensions, or more bytes than fit 63 bits.
  Tensor(DType dtype, const Shape& shape);

  // Returns a tensor over memory that the caller has. The shape must be fully defined, and `block`
  // must hold its bytes.
  static Tensor FromBlock(DType dtype, Shape shape, BlockRef block);

  // Returns a tensor of shape () and the dtype of T: float32 of 1.0F, float64 of 1.0, int32 of 1.
  // Throws std::bad_alloc without memory, and for a T that no dtype has (kDTypeOf).
  template <typename T>
  static Tensor Scalar(T value) {
    Tensor t(kDTypeOf<T>, Shape{});
    *t.mutable_data<T>() = value;
    return t;
  }
  // Returns a tensor with copies of `values`, row-major. Throws std::invalid_argument unless they
  // are as many as the shape has elements, and as Scalar and the constructor.
  template <typename T>
  static Tensor Of(Shape shape, const std::vector<T>& values) {
    Tensor t(kDTypeOf<T>, std::move(shape));
    if (values.size() != static_cast<size_t>(t.num_elements())) {
      throw std::invalid_argument(std::to_string(values.size()) + " values for a tensor of shape " +
                                  t.shape().ToString());
    }
    std::copy(values.begin(), values.end(), t.mutable_data<T>());
    return t;
  }

  bool defined() const { return static_cast<bool>(block_); }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t num_elements() const { return num_elements_; }
  // Returns the bytes of all elements.
  size_t byte_size() const { return static_cast<size_t>(num_elements_) * SizeOf(dtype_); }

  // These return the bytes, or the elements. Valid as long as a copy of this tensor. Who writes
  // must be the only owner: see MakeUnique.
  const std::byte* raw() const { return block_->data(); }
  std::byte* mutable_raw() { return block_->data(); }
  std::span<const std::byte> bytes() const { return {raw(), byte_size()}; }
  // T must be the dtype's C++ type, which is not checked.
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
  // Returns the first element. Requires one.
  template <typename T>
  T scalar() const {
    return data<T>()[0];
  }

  // Returns a tensor that shares the bytes, of another shape, which must have as many elements.
  Tensor Reshaped(Shape shape) const;
  // Returns a tensor with a copy of the bytes; undefined when this is. Throws std::bad_alloc
  // without memory.
  Tensor Clone() const;

  const BlockRef& block() const { return block_; }
  // True when no other Tensor shares the bytes, so that they may be written.
  bool unique() const { return block_.unique(); }
  // Copies the bytes unless they are unique, so that they may be written. Throws as Clone.
  void MakeUnique() {
    if (!unique()) *this = Clone();
  }

  // True when dtype, shape and bytes are the same: 0.0 and -0.0 differ, a NaN is itself.
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

// Returns the index of the first element, row-major, that is NaN or infinite; -1 when there is
// none, or the dtype has no such values. Uses several threads for a large tensor.
int64_t FirstNonFinite(const Tensor& tensor);

// Returns whether none of these elements, as they lie in memory, aligned, is NaN or infinite; true
// for a dtype that has no such values. On the calling thread.
bool AllFinite(DType dtype, std::span<const std::byte> elements);

// Returns up to `limit` elements, row-major, as NumPy would print a vector of them on one line:
// "[0.5 1 ...]". Six digits of a floating one. "<undefined>" for an undefined tensor.
std::string Summarize(const Tensor& tensor, int64_t limit = 8);

}  // namespace varscope

#endif  // VARSCOPE_TENSOR_H_
