// The bits of integers.
#include "varscope/bitwise.h"

#include "absl/strings/str_cat.h"
#include "client/graph/ops/build.h"
#include "client/graph/ops/table.h"
#include "client/kernels/bitwise.h"

namespace varscope {
namespace internal {
namespace {

absl::Status CheckBits(const InferContext& c) {
  if (IsIndex(c.dtype(0)) || c.dtype(0) == DType::kUint8) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Value has the dtype ", Name(c.dtype(0)), ", expected int32, int64 or uint8"));
}
Specs BitsOfOne(const InferContext& c) {
  if (absl::Status s = CheckBits(c); !s.ok()) return s;
  return SameAsInput(c);
}
Specs BitsOfPair(const InferContext& c) {
  if (absl::Status s = CheckBits(c); !s.ok()) return s;
  return BroadcastOf(c);
}

OpDef Bits(absl::string_view name, InferFn infer, KernelFn kernel) {
  return {.name = name, .infer = infer, .kernel = kernel, .gradient = NotDifferentiable};
}

}  // namespace

std::vector<OpDef> BitwiseOps() {
  return {
      Bits("BitwiseAnd", BitsOfPair, kernels::BitwiseAnd),
      Bits("BitwiseOr", BitsOfPair, kernels::BitwiseOr),
      Bits("BitwiseXor", BitsOfPair, kernels::BitwiseXor),
      Bits("Invert", BitsOfOne, kernels::Invert),
      Bits("LeftShift", BitsOfPair, kernels::LeftShift),
      Bits("RightShift", BitsOfPair, kernels::RightShift),
  };
}

}  // namespace internal

namespace bitwise {

using internal::Binary;

Output bitwise_and(const Input& x, const Input& y, const std::string& name) {
  return Binary("BitwiseAnd", x, y, name, "BitwiseAnd");
}
Output bitwise_or(const Input& x, const Input& y, const std::string& name) {
  return Binary("BitwiseOr", x, y, name, "BitwiseOr");
}
Output bitwise_xor(const Input& x, const Input& y, const std::string& name) {
  return Binary("BitwiseXor", x, y, name, "BitwiseXor");
}
Output invert(const Input& x, const std::string& name) {
  return internal::Unary("Invert", x, name, "Invert");
}
Output left_shift(const Input& x, const Input& y, const std::string& name) {
  return Binary("LeftShift", x, y, name, "LeftShift");
}
Output right_shift(const Input& x, const Input& y, const std::string& name) {
  return Binary("RightShift", x, y, name, "RightShift");
}

}  // namespace bitwise
}  // namespace varscope
