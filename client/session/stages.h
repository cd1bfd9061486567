// The order of a run: what waits for a change of a variable, and what does not.
#ifndef VARSCOPE_CLIENT_SESSION_STAGES_H_
#define VARSCOPE_CLIENT_SESSION_STAGES_H_

#include <algorithm>
#include <cstddef>
#include <functional>
#include <unordered_map>
#include <vector>

#include "client/graph/node.h"

namespace varscope::internal {

// Of each op that a run needs: its stage, which is that of the last op that it depends on, or the
// one after it when that op changes a variable.
class Stages {
 public:
  size_t Of(const Node& node) const { return of_.at(&node); }
  // False for an op that the run does not need, although an op that it needs has it as an input.
  bool Has(const Node& node) const { return of_.contains(&node); }
  // Where what depends on the op begins.
  size_t After(const Node& node) const { return Of(node) + (node.def->changes_variables ? 1 : 0); }

  // Requires that all that it depends on is there.
  void Add(const Node& node, const std::function<bool(const NodeOutput&)>& is_fed) {
    size_t stage = 0;
    for (const NodeOutput& input : node.inputs) {
      if (!is_fed(input) && Has(*input.node)) stage = std::max(stage, After(*input.node));
    }
    for (const Node* before : node.control_inputs) {
      // What a body's op waits for outside, the op that carries out the body waits for.
      if (before->body == node.body) stage = std::max(stage, After(*before));
    }
    of_[&node] = stage;
  }

 private:
  std::unordered_map<const Node*, size_t> of_;
};

// `needed` in creation order, which is a valid one.
inline Stages FindStages(const std::vector<const Node*>& needed,
                         const std::function<bool(const NodeOutput&)>& is_fed) {
  Stages stages;
  for (const Node* node : needed) stages.Add(*node, is_fed);
  return stages;
}

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_STAGES_H_
