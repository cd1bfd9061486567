// What of conditions and loops a plan needs.
#ifndef VARSCOPE_CLIENT_SESSION_CONTROL_PLAN_H_
#define VARSCOPE_CLIENT_SESSION_CONTROL_PLAN_H_

#include <memory>
#include <set>
#include <vector>

#include "client/graph/body.h"
#include "client/session/plan.h"

namespace varscope::internal {

struct Uses {
  std::set<const Node*> nodes;
  std::set<NodeOutput> outputs;
};

// What the fetches need of the ops `needed`, in creation order: a loop's variable that neither the
// loop nor anybody else needs, as those that it keeps for a gradient that is not asked for, is not
// computed, nor is what it begins with.
Uses FindUses(const std::vector<const Node*>& needed, const std::vector<NodeOutput>& fetches);

// Of an op If or While, the numbers of the inputs that it needs for the outputs that are used.
std::set<int> UsedInputs(const Node& node, const Uses& uses);

std::shared_ptr<const Plan::Control> CompileControl(const Node& node, const Uses& uses);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_CONTROL_PLAN_H_
