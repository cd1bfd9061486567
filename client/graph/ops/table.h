// The table of ops, one file per family. Adding an op: an entry here-abouts, its kernel, and its
// function in the public header.
#ifndef VARSCOPE_CLIENT_GRAPH_OPS_TABLE_H_
#define VARSCOPE_CLIENT_GRAPH_OPS_TABLE_H_

#include <vector>

#include "client/graph/op_def.h"

namespace varscope::internal {

std::vector<OpDef> SourceOps();
std::vector<OpDef> ArithmeticOps();
std::vector<OpDef> UnaryOps();
std::vector<OpDef> CompareOps();
std::vector<OpDef> ReductionOps();
std::vector<OpDef> ArrayOps();
std::vector<OpDef> JoinOps();
std::vector<OpDef> GatherOps();
std::vector<OpDef> MatMulOps();
std::vector<OpDef> LinearAlgebraOps();
std::vector<OpDef> DecompositionOps();
std::vector<OpDef> ActivationOps();
std::vector<OpDef> LossOps();
std::vector<OpDef> ImageOps();
std::vector<OpDef> StateOps();
std::vector<OpDef> ControlOps();
std::vector<OpDef> ListOps();
std::vector<OpDef> FunctionOps();
std::vector<OpDef> BitwiseOps();

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPS_TABLE_H_
