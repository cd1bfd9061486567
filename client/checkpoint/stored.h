// Element types as files have them.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_STORED_H_
#define VARSCOPE_CLIENT_CHECKPOINT_STORED_H_

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "varscope/tensor.h"

namespace varscope::checkpoint {

// What a file may hold: varscope's dtypes, and narrower ones, which lose nothing when widened.
enum class StoredType { kAsDType, kHalf, kBfloat16, kInt8, kInt16, kUint16, kUint32 };

struct Stored {
  DType dtype = DType::kInvalid;  // once read
  StoredType type = StoredType::kAsDType;
  bool big_endian = false;

  size_t element_size() const;
};

// The bytes that a tensor takes in the file. Throws, with `where`, DataLossError for a shape whose
// bytes do not fit 64 bits or that is not whole, InvalidArgumentError for more dimensions than
// varscope has.
uint64_t StoredBytes(const Stored& stored, const Shape& shape, const std::string& where);

// Allocates the tensor and has `read` fill in its stored bytes; widens. Throws DataLossError for a
// bool that is neither 0 nor 1.
Tensor ReadStored(const Stored& stored, const Shape& shape, const std::string& where,
                  const std::function<void(std::span<std::byte>)>& read);

// Throws InvalidArgumentError: `dtype` is what the format calls the tensor's.
[[noreturn]] void ThrowNotHeld(const std::string& where, const std::string& dtype);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_STORED_H_
