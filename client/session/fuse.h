// Kernels that do the work of several.
#ifndef VARSCOPE_CLIENT_SESSION_FUSE_H_
#define VARSCOPE_CLIENT_SESSION_FUSE_H_

#include "client/session/plan.h"

namespace varscope::internal {

// A convolution, the addition of a bias to it and the relu of that become one kernel where nothing
// else needs what is between them: it adds while the images are in the cache. Before the last uses
// are marked.
void FuseConvolutions(Plan& plan);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_FUSE_H_
