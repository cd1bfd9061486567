// Kernels of lists of tensors; as kernels.h.
#ifndef VARSCOPE_CLIENT_KERNELS_LIST_H_
#define VARSCOPE_CLIENT_KERNELS_LIST_H_

#include "client/kernels/context.h"

namespace varscope::internal::kernels {

// (list, list). The other kernels of list.cc are in kernels.h.
absl::Status ListAdd(KernelContext&);

}  // namespace varscope::internal::kernels

#endif  // VARSCOPE_CLIENT_KERNELS_LIST_H_
