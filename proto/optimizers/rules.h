// The optimizers that the server has: one function each, defined in the file of its name.
#ifndef VARSCOPE_PROTO_OPTIMIZERS_RULES_H_
#define VARSCOPE_PROTO_OPTIMIZERS_RULES_H_

#include "proto/optimizers/optimizer.h"

namespace varscope::optimizers {

Optimizer GradientDescent();
Optimizer Momentum();
Optimizer Adagrad();
Optimizer Adadelta();
Optimizer Adam();
Optimizer RMSProp();
Optimizer Ftrl();
Optimizer AdamW();
Optimizer Lamb();

}  // namespace varscope::optimizers

#endif  // VARSCOPE_PROTO_OPTIMIZERS_RULES_H_
