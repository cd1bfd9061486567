// Element types as files have them.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_STORED_H_
#define VARSCOPE_CLIENT_CHECKPOINT_STORED_H_

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "varscope/tensor.h"

namespace varscope::checkpoint {

// What a file may hold: varscope's dtypes, and two that are widened to float32.
enum class StoredType { kAsDType, kHalf, kBfloat16 };

struct Stored {
  DType dtype = DType::kInvalid;  // once read; kInvalid: varscope has none for it
  StoredType type = StoredType::kAsDType;

  size_t element_size() const { return type == StoredType::kAsDType ? SizeOf(dtype) : 2; }
};

// The bytes that a tensor takes in the file. Throws DataLossError, with `where`, for a shape whose
// bytes do not fit 64 bits or that is not whole.
uint64_t StoredBytes(const Stored& stored, const Shape& shape, const std::string& where);

// Allocates the tensor and has `read` fill in its stored bytes; widens. Throws DataLossError for a
// bool that is neither 0 nor 1.
Tensor ReadStored(const Stored& stored, const Shape& shape, const std::string& where,
                  const std::function<void(std::span<std::byte>)>& read);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_STORED_H_
