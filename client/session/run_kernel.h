// Carries out one kernel of a plan.
#ifndef VARSCOPE_CLIENT_SESSION_RUN_KERNEL_H_
#define VARSCOPE_CLIENT_SESSION_RUN_KERNEL_H_

#include "client/kernels/device.h"
#include "client/session/plan.h"
#include "client/session/shapes.h"
#include "client/session/values.h"

namespace varscope::internal {

// From the values of its inputs to those of its outputs. Throws InvalidArgumentError when the
// kernel refuses its inputs and ResourceExhaustedError when there is no memory, naming the op.
void RunKernel(const Plan::Kernel& kernel, Values& values, RunShapes& shapes, Device& device);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_RUN_KERNEL_H_
