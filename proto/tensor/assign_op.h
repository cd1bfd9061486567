// What an assignment does to a variable.
#ifndef VARSCOPE_PROTO_TENSOR_ASSIGN_OP_H_
#define VARSCOPE_PROTO_TENSOR_ASSIGN_OP_H_

#include <cstdint>
#include <span>

#include "varscope/tensor.h"

namespace varscope {

// The numbers are those of v1::Assignment::Op, and of the log.
enum class AssignOp : uint8_t {
  kAssign = 0,
  kAdd = 1,
  kSub = 2,
  kScatterUpdate = 3,
  kScatterAdd = 4,
  kScatterSub = 5,
  kInitialize = 6,  // only while the variable has no value
};

inline bool IsScatter(AssignOp op) {
  return op == AssignOp::kScatterUpdate || op == AssignOp::kScatterAdd ||
         op == AssignOp::kScatterSub;
}

// Writes what kAdd, kSub or a scatter makes of `variable` into it; `rows` are those of a scatter,
// in range. The value has the variable's dtype and its shape, or as many rows as there are `rows`.
// Integers wrap, as TensorFlow's do; a bool can only be replaced. Takes no memory.
void Combine(AssignOp op, const Tensor& value, std::span<const int64_t> rows, Tensor& variable);

}  // namespace varscope

#endif  // VARSCOPE_PROTO_TENSOR_ASSIGN_OP_H_
