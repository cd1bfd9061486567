// What one run does, compiled once for each set of fetches and feeds: stages, of which each has the
// kernels that need no variable of its own, one pull (what a push prefetches comes while they run),
// the other kernels, one push. Most runs have one stage. An op that depends on a change, by its
// inputs or its control inputs, is in a later stage than the change.
#ifndef VARSCOPE_CLIENT_SESSION_PLAN_H_
#define VARSCOPE_CLIENT_SESSION_PLAN_H_

#include <memory>
#include <string>
#include <vector>

#include "client/graph/node.h"
#include "client/session/shapes.h"

namespace varscope::internal {

// Values of a run live in numbered slots. Refers to the graph, which must live as long.
struct Plan {
  // A branch of a condition, or a part of a loop. It has kernels alone.
  struct Body {
    std::shared_ptr<const Plan> plan;
    std::vector<int> feeds;    // by the plan's feeds: the input that is fed
    std::vector<int> outputs;  // by the plan's results: the output that it is
  };
  struct Control {
    std::vector<Body> bodies;  // of If: then, else; of While: condition, body
    // Of a loop, of the variables that somebody needs: its inputs, as many as the condition and the
    // body have first among their feeds.
    std::vector<int> variables;
  };
  struct Kernel {
    size_t number;  // in the plan
    const Node* node;
    std::vector<int> inputs;
    std::vector<int> outputs;
    std::vector<bool> last_use;                        // by input: no later step needs the value
    std::vector<bool> whole;                           // by output: not only kernels need the value
    std::shared_ptr<const Control> control = nullptr;  // of If and While
  };
  struct Constant {
    int slot;
    Tensor value;
  };
  struct Pull {
    const VariableState* variable;
    int slot;
  };
  // A gather from a variable of which the run needs nothing else.
  struct Lookup {
    const Node* node;
    int rows;  // slot of the indices
    int output;
  };
  struct RowsPull {
    const VariableState* variable;
    std::vector<Lookup> lookups;
  };
  // An op that changes variables, with its inputs.
  struct Effect {
    const Node* node;
    std::vector<int> inputs;
    int guard = -1;  // slot of a bool: false: it is not done
  };
  struct Stage {
    std::vector<Kernel> early_kernels;  // what needs no pull of this stage, indices among it
    std::vector<Pull> pulls;
    std::vector<RowsPull> rows_pulls;
    std::vector<Kernel> kernels;
    std::vector<Effect> effects;  // of all stages but the last there are some
  };

  std::vector<std::unique_ptr<const Node>> fused;  // of kernels; in no graph
  int slots = 0;
  size_t kernels = 0;  // of all stages
  std::unique_ptr<ShapeCache> shapes = std::make_unique<ShapeCache>(8);
  std::vector<int> feeds;  // in the order of the given feeds
  std::vector<Constant> constants;
  std::vector<Stage> stages;
  std::vector<int> results;  // slots, in the order of the given fetches; -1: no value
};

// A fetch with the index -1 runs the op and has no value. Throws ValueError for what cannot run: a
// placeholder that is not fed.
Plan Compile(const std::vector<NodeOutput>& fetches, const std::vector<NodeOutput>& feeds);

// Of the ops of a body, from its arguments and captures, which are among the feeds.
Plan CompileBody(const Body& body, const std::vector<NodeOutput>& fetches,
                 const std::vector<NodeOutput>& feeds);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_PLAN_H_
