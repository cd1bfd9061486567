// tf.cond and tf.while_loop: parts of a graph that a run carries out once, several times or not at
// all.
//
// A branch, and what a loop repeats, is a function that adds ops to the graph and returns outputs.
// Its ops are in no run of their own: what a session fetches must be what cond() or while_loop()
// returns. It may use all outputs outside; those are computed before, once, whether they are used
// or not. Variables are read once, as they are when the condition or the loop begins: after what
// control_dependencies around it, or inside, name outside. Variables may be created inside, and are
// as if they were created outside.
//
// In a branch of cond(), changes of variables that its outputs depend on, by inputs or by
// control_dependencies, are done when the run takes that branch; all of them after the branch. A
// read in it that waits for an assign, assign_add or assign_sub there has the value that this
// makes; ValueError where it waits for another change of its variable, for one inside a further
// condition, or for two without an order. In a loop changes are a ValueError.
//
// Gradients, of any order, flow through both. For a gradient a loop keeps what each round computed.
//
// Threads, names and other errors as in ops.h. What the functions throw goes through.
#ifndef VARSCOPE_CONTROL_FLOW_H_
#define VARSCOPE_CONTROL_FLOW_H_

#include <functional>
#include <string>
#include <vector>

#include "varscope/input.h"
#include "varscope/optional_list.h"

namespace varscope {

// Returns what true_fn returns where `pred`, a bool scalar, is true, else what false_fn returns.
// Both are called once, now, and return equally many outputs, of equal dtypes: ValueError. The
// shapes of the results are what both have in common. As tf.cond with strict=True.
std::vector<Output> cond(const Input& pred, const std::function<std::vector<Output>()>& true_fn,
                         const std::function<std::vector<Output>()>& false_fn,
                         const std::string& name = "");

// Returns the loop's variables after the last round: `body` makes new ones of them as long as
// `condition` of them is true. Both are called once, now. `body` returns as many outputs as there
// are variables, of their dtypes (TypeError) and of compatible shapes (ValueError).
// `shape_invariants`: for each variable what its shape is in all rounds; else it is that of its
// first value. InvalidArgumentError in a run whose loop leaves it. As tf.while_loop.
using LoopVariables = std::vector<Output>;
LoopVariables while_loop(const std::function<Output(const LoopVariables&)>& condition,
                         const std::function<LoopVariables(const LoopVariables&)>& body,
                         const std::vector<Input>& loop_vars,
                         const OptionalList<Shape>& shape_invariants = {},
                         const std::string& name = "");

// Lists of tensors of any dtypes and shapes, which loops fill and empty at their ends. A list is a
// value like others: a loop's variable, or the output of a branch; gradients flow through lists. It
// takes the bytes of its tensors. list_push in a loop whose list nobody else uses copies x alone.

// Returns an empty list.
Output list_empty(const std::string& name = "");
// Returns the list with x at its end.
Output list_push(const Output& list, const Input& x, const std::string& name = "");
// Returns the list without its last tensor, and that tensor, which must be of this dtype and a
// compatible shape: InvalidArgumentError in a run, also where the list is empty.
struct Popped {
  Output list;
  Output last;
};
Popped list_pop(const Output& list, DType dtype, const Shape& shape = Shape::Unknown(),
                const std::string& name = "");
// Returns a list of the rows of x, along axis 0: the first row is the first to be popped.
Output list_of_rows(const Input& x, const std::string& name = "");
// Returns all tensors of the list, which must be of this dtype and one shape, along a new axis 0:
// the one pushed first is the first row. Of an empty list [0] and the known dimensions of `shape`.
Output list_stack(const Output& list, DType dtype, const Shape& shape = Shape::Unknown(),
                  const std::string& name = "");

namespace internal {

struct Body;

// What cond() and while_loop() are made of, for languages whose functions cannot be called from
// here. The functions of one are called in this order, in the scopes in which cond() and
// while_loop() are called.

// Ops go to a new body until EndBody or AbandonBody. The body lives as long as the graph.
class BodyToken {
 public:
  BodyToken() = default;
  BodyToken(Graph graph, Body* body, uint64_t scope)
      : graph_(std::move(graph)), body_(body), scope_(scope) {}
  const Graph& graph() const { return graph_; }
  Body* body() const { return body_; }
  uint64_t scope() const { return scope_; }

 private:
  Graph graph_;
  Body* body_ = nullptr;
  uint64_t scope_ = 0;
};

// In the default graph. A branch has no arguments.
BodyToken BeginBranch();
// The arguments stand for the variables that begin with `first`, and are named `name`.
std::pair<BodyToken, LoopVariables> BeginLoopPart(const std::vector<Output>& first,
                                                  const OptionalList<Shape>& shape_invariants,
                                                  const std::string& name);
void EndBody(const BodyToken& token, const std::vector<Output>& results);
void AbandonBody(const BodyToken& token);
std::vector<Output> MakeCond(const Input& pred, const BodyToken& true_branch,
                             const BodyToken& false_branch);
LoopVariables MakeLoop(const std::vector<Output>& first, const BodyToken& condition,
                       const BodyToken& body);

}  // namespace internal
}  // namespace varscope

#endif  // VARSCOPE_CONTROL_FLOW_H_
