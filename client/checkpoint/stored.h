// Tensors as files have them.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_STORED_H_
#define VARSCOPE_CLIENT_CHECKPOINT_STORED_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "varscope/tensor.h"

namespace varscope::checkpoint {

enum class ByteOrder { kLittleEndian, kBigEndian };

// The bytes that a tensor takes in the file. Throws, with `where`, DataLossError for a shape whose
// bytes do not fit 64 bits or that is not whole, InvalidArgumentError for more dimensions than
// varscope has.
uint64_t StoredBytes(DType dtype, const Shape& shape, const std::string& where);

// Allocates the tensor and has `read` fill in its bytes. Throws DataLossError for a bool that is
// neither 0 nor 1.
Tensor ReadStored(DType dtype, const Shape& shape, const std::string& where,
                  const std::function<void(std::span<std::byte>)>& read,
                  ByteOrder order = ByteOrder::kLittleEndian);

// Throws InvalidArgumentError: `dtype` is what the format calls the tensor's.
[[noreturn]] void ThrowNotHeld(const std::string& where, const std::string& dtype);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_STORED_H_
