// The hot kernels of one instruction set: what is compiled once for each (kernels/variants.cmake).
#ifndef VARSCOPE_CLIENT_KERNELS_HOT_H_
#define VARSCOPE_CLIENT_KERNELS_HOT_H_

#include "client/kernels/context.h"

// The only symbol of such an object that others see, by this name with the instruction set's after
// it. Those of all instruction sets have the same order; null is after the last.
extern "C" const varscope::internal::KernelFn varscope_hot_kernels[];

#endif  // VARSCOPE_CLIENT_KERNELS_HOT_H_
