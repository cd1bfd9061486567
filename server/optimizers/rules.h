// The optimizers that the server has: one function each, defined in the file of its name.
#ifndef VARSCOPE_SERVER_OPTIMIZERS_RULES_H_
#define VARSCOPE_SERVER_OPTIMIZERS_RULES_H_

#include "server/optimizers/optimizer.h"

namespace varscope::server {

Optimizer GradientDescent();
Optimizer Momentum();
Optimizer Adagrad();
Optimizer Adadelta();
Optimizer Adam();
Optimizer RMSProp();
Optimizer Ftrl();
Optimizer AdamW();
Optimizer Lamb();

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_OPTIMIZERS_RULES_H_
