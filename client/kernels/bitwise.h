// Kernels of integers' bits; as kernels.h.
#ifndef VARSCOPE_CLIENT_KERNELS_BITWISE_H_
#define VARSCOPE_CLIENT_KERNELS_BITWISE_H_

#include "client/kernels/context.h"

namespace varscope::internal::kernels {

absl::Status BitwiseAnd(KernelContext&);
absl::Status BitwiseOr(KernelContext&);
absl::Status BitwiseXor(KernelContext&);
absl::Status Invert(KernelContext&);
absl::Status LeftShift(KernelContext&);
absl::Status RightShift(KernelContext&);

}  // namespace varscope::internal::kernels

#endif  // VARSCOPE_CLIENT_KERNELS_BITWISE_H_
