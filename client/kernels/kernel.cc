#include "client/kernels/kernel.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "client/kernels/elementwise.h"
#include "proto/tensor/elements.h"

namespace varscope::internal {
namespace {

// What holds all values of a dtype and is computed with; the dtype itself where there is no other.
DType Wider(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
    case DType::kInt16:
    case DType::kUint8:
    case DType::kUint16:
      return DType::kInt32;
    case DType::kUint32:
      return DType::kInt64;
    case DType::kFloat16:
    case DType::kBfloat16:
      return DType::kFloat32;
    default:
      return dtype;
  }
}

Tensor Converted(const Tensor& from, DType to) {
  if (from.dtype() == to) return from;
  Tensor converted(to, from.shape());
  ConvertElements(from.dtype(), from.raw(), to, converted.mutable_raw(), from.num_elements());
  return converted;
}

bool IsNarrow(const KernelContext& ctx) {
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    if (const DType dtype = ctx.part(i).dtype(); Wider(dtype) != dtype) return true;
  }
  return false;
}

absl::Status RunWider(KernelFn kernel, KernelContext& ctx) {
  std::vector<Operand> inputs;
  inputs.reserve(ctx.num_inputs());
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    const Tensor& part = ctx.part(i);
    inputs.push_back({Converted(part, Wider(part.dtype())), &ctx.in_shape(i)});
  }
  std::vector<OutputSpec> specs;
  specs.reserve(ctx.num_outputs());
  for (int i = 0; i < ctx.num_outputs(); ++i) {
    specs.push_back({Wider(ctx.dtype(i)), ctx.shape(i)});
  }
  std::vector<Tensor> outputs(specs.size());
  KernelContext wider(ctx.attrs, inputs, specs, outputs, ctx.device);
  if (absl::Status status = kernel(wider); !status.ok()) return status;
  for (int i = 0; i < ctx.num_outputs(); ++i) ctx.Find(i, Converted(outputs[i], ctx.dtype(i)));
  return absl::OkStatus();
}

}  // namespace

absl::Status Kernel::operator()(KernelContext& ctx) const {
  absl::Status status = fn_(ctx);
  if (!IsUnsupportedDType(status) || !IsNarrow(ctx)) return status;
  return RunWider(fn_, ctx);
}

}  // namespace varscope::internal
