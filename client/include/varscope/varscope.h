// Everything: #include <varscope/varscope.h>
#ifndef VARSCOPE_VARSCOPE_H_
#define VARSCOPE_VARSCOPE_H_

#include "varscope/collections.h"
#include "varscope/errors.h"
#include "varscope/gradients.h"
#include "varscope/graph.h"
#include "varscope/initializers.h"
#include "varscope/nn.h"
#include "varscope/number.h"
#include "varscope/ops.h"
#include "varscope/saver.h"
#include "varscope/scopes.h"
#include "varscope/session.h"
#include "varscope/source_location.h"
#include "varscope/train.h"
#include "varscope/variables.h"

#endif  // VARSCOPE_VARSCOPE_H_
