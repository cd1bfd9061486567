// Float32 tensors in fewer bytes on the wire, with loss.
#ifndef VARSCOPE_PROTO_WIRE_ENCODING_H_
#define VARSCOPE_PROTO_WIRE_ENCODING_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "varscope/tensor.h"

namespace varscope::wire {

// Values equal varscope.v1.Encoding.
enum class Encoding : uint8_t {
  kNone = 0,
  // IEEE 754 binary16, to nearest even; finite values beyond 65504 become that.
  kFloat16 = 1,
  // The upper half of a float32.
  kBfloat16 = 2,
  // Blocks of 256 elements, the last one shorter: a float32, the largest magnitude / 127, then each
  // element as a signed byte of such steps. A block with NaN or infinity decodes to NaN.
  kInt8 = 3,
};

enum class Rounding : uint8_t {
  kNearest,
  // kBfloat16 only: up with the probability of the part that is cut off, so that the mean stays.
  kStochastic,
};

// InvalidArgument for a dtype that the encoding is not for, or an encoding that there is not.
absl::StatusOr<uint64_t> EncodedSize(Encoding encoding, DType dtype, const Shape& shape);

// `value` is float32; the result is uint8 [EncodedSize]. ResourceExhausted without memory.
absl::StatusOr<Tensor> Encode(Encoding encoding, const Tensor& value,
                              Rounding rounding = Rounding::kNearest);

// `bytes` has EncodedSize of `shape`. ResourceExhausted without memory.
absl::StatusOr<Tensor> Decode(Encoding encoding, const Tensor& bytes, const Shape& shape);

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_ENCODING_H_
