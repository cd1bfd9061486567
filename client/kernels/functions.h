// Kernels of functions that are not hot; as kernels.h.
#ifndef VARSCOPE_CLIENT_KERNELS_FUNCTIONS_H_
#define VARSCOPE_CLIENT_KERNELS_FUNCTIONS_H_

#include "client/kernels/context.h"

namespace varscope::internal::kernels {

absl::Status Tan(KernelContext&);
absl::Status Asin(KernelContext&);
absl::Status Acos(KernelContext&);
absl::Status Atan(KernelContext&);
absl::Status Sinh(KernelContext&);
absl::Status Cosh(KernelContext&);
absl::Status Asinh(KernelContext&);
absl::Status Softsign(KernelContext&);
absl::Status Acosh(KernelContext&);
absl::Status Atanh(KernelContext&);
absl::Status Erf(KernelContext&);
absl::Status Erfc(KernelContext&);
absl::Status Expm1(KernelContext&);
absl::Status Lgamma(KernelContext&);
absl::Status Digamma(KernelContext&);
absl::Status Polygamma(KernelContext&);
absl::Status Ceil(KernelContext&);
absl::Status Rint(KernelContext&);
absl::Status IsNan(KernelContext&);
absl::Status IsInf(KernelContext&);
absl::Status IsFinite(KernelContext&);
absl::Status LogicalNot(KernelContext&);
absl::Status LogicalAnd(KernelContext&);
absl::Status LogicalOr(KernelContext&);
absl::Status Atan2(KernelContext&);
absl::Status FloorMod(KernelContext&);
absl::Status TruncateDiv(KernelContext&);

}  // namespace varscope::internal::kernels

#endif  // VARSCOPE_CLIENT_KERNELS_FUNCTIONS_H_
