// What one run does, compiled once for each set of fetches and feeds: the kernels that need
// no variable, one pull (what a push prefetches comes while they run), the other kernels, one push.
#ifndef VARSCOPE_CLIENT_SESSION_PLAN_H_
#define VARSCOPE_CLIENT_SESSION_PLAN_H_

#include <memory>
#include <string>
#include <vector>

#include "client/graph/node.h"
#include "varscope/session.h"

namespace varscope::internal {

// Values of a run live in numbered slots.
struct Plan {
  struct Kernel {
    const Node* node;
    std::vector<int> inputs;
    std::vector<int> outputs;
    std::vector<bool> last_use;  // by input: no later step needs the value
  };
  struct Constant {
    int slot;
    Tensor value;
  };
  struct Pull {
    std::shared_ptr<VariableState> variable;
    int slot;
  };
  // A gather from a variable of which the run needs nothing else.
  struct Lookup {
    const Node* node;
    int rows;  // slot of the row numbers
    int output;
  };
  struct RowsPull {
    std::shared_ptr<VariableState> variable;
    std::vector<Lookup> lookups;
  };
  // An op that changes variables, with its inputs.
  struct Effect {
    const Node* node;
    std::vector<int> inputs;
  };
  struct Result {
    int slot = -1;                              // -1: nothing, or
    std::shared_ptr<VariableState> after_push;  // the variable's value once it has been changed
  };

  int slots = 0;
  std::vector<int> feeds;  // in the order of the given feeds
  std::vector<Constant> constants;
  std::vector<Kernel> early_kernels;  // what needs no variable, row numbers among it
  std::vector<Pull> pulls;
  std::vector<RowsPull> rows_pulls;
  std::vector<Kernel> kernels;
  std::vector<Effect> effects;
  std::vector<Result> results;  // in the order of the given fetches
};

// Throws ValueError for what cannot run: a placeholder that is not fed, an assignment's output that
// feeds an op.
Plan Compile(const std::vector<Fetch>& fetches, const std::vector<Output>& feeds);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_SESSION_PLAN_H_
