// Carries out conditions and loops.
#ifndef VARSCOPE_CLIENT_SESSION_CONTROL_H_
#define VARSCOPE_CLIENT_SESSION_CONTROL_H_

#include "client/kernels/device.h"
#include "client/session/plan.h"
#include "client/session/values.h"

namespace varscope::internal {

// As RunKernel, of a kernel that has bodies. Of a condition, outputs that only the other branch has
// are zeros.
void RunControl(const Plan::Kernel& kernel, Values& values, Device& device);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_CONTROL_H_
