// The optimizers that the server has: one function each, named in optimizers.inc and defined in the
// file of its name in rules/.
#ifndef VARSCOPE_PROTO_OPTIMIZERS_RULES_H_
#define VARSCOPE_PROTO_OPTIMIZERS_RULES_H_

#include "proto/optimizers/optimizer.h"

namespace varscope::optimizers {

#define VARSCOPE_OPTIMIZER(name) Optimizer name();
#include "proto/optimizers/optimizers.inc"
#undef VARSCOPE_OPTIMIZER

}  // namespace varscope::optimizers

#endif  // VARSCOPE_PROTO_OPTIMIZERS_RULES_H_
