// The shapes of a run. What an op's rule made of shapes that the graph knew is not enough for its
// kernel: the rule sees what the kernel really gets, once for each set of shapes of the feeds.
#ifndef VARSCOPE_CLIENT_SESSION_SHAPES_H_
#define VARSCOPE_CLIENT_SESSION_SHAPES_H_

#include <memory>
#include <span>
#include <vector>

#include "client/graph/node.h"
#include "client/kernels/recent.h"
#include "client/session/values.h"

namespace varscope::internal {

// What one kernel gets and gives.
struct KernelShapes {
  std::vector<OutputSpec> inputs;
  std::vector<OutputSpec> outputs;
};
using PlanShapes = std::vector<KernelShapes>;  // by the kernel's number in the plan

// Of one plan, by the feeds' shapes.
using ShapeCache = Recent<std::vector<Shape>, PlanShapes>;

// Of one run. Keeps what it learned when the run ends well.
class RunShapes {
 public:
  // `cache` outlives this.
  RunShapes(ShapeCache& cache, const std::vector<Tensor>& feeds, size_t kernels);

  // What the kernel `number` gives for these values: of shapes that can be allocated, fully defined
  // but where the kernel finds them. Of an op whose rule asks for values they are whole.
  // InvalidArgumentError, which names the op and the shapes, when its rule refuses them. Valid
  // until the next call.
  std::span<const OutputSpec> Of(size_t number, const Node& node, const std::vector<int>& inputs,
                                 const Values& values);
  // That the run ended well.
  void Keep();

 private:
  ShapeCache& cache_;
  std::vector<Shape> feeds_;
  std::shared_ptr<const PlanShapes> known_;  // null: these feeds are met the first time
  PlanShapes met_;                           // in this run; empty when all was known
  KernelShapes by_values_;                   // of the last op whose rule asks for values
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_SHAPES_H_
