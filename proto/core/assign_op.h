// What an assignment does to a variable.
#ifndef VARSCOPE_PROTO_CORE_ASSIGN_OP_H_
#define VARSCOPE_PROTO_CORE_ASSIGN_OP_H_

#include <cstdint>

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

}  // namespace varscope

#endif  // VARSCOPE_PROTO_CORE_ASSIGN_OP_H_
