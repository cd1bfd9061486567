// More of table.h: families of ops whose shapes depend on values.
#ifndef VARSCOPE_CLIENT_GRAPH_OPS_VALUE_FAMILIES_H_
#define VARSCOPE_CLIENT_GRAPH_OPS_VALUE_FAMILIES_H_

#include <vector>

#include "client/graph/op_def.h"

namespace varscope::internal {

std::vector<OpDef> IndexingOps();
std::vector<OpDef> LargestOps();
std::vector<OpDef> SearchingOps();
std::vector<OpDef> RandomOps();
std::vector<OpDef> ShapingOps();
std::vector<OpDef> ShardOps();

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_OPS_VALUE_FAMILIES_H_
