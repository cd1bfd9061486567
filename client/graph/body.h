// The body of a loop, or a branch of a condition: ops that another op carries out.
#ifndef VARSCOPE_CLIENT_GRAPH_BODY_H_
#define VARSCOPE_CLIENT_GRAPH_BODY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/graph/node_output.h"

namespace varscope::internal {

class GraphState;

// Its ops are ops of the graph like others, and use what is outside as if they were there, too;
// what they use of it are the body's captures, which the op that carries the body out has as
// inputs. What they read of variables is read outside. The graph owns it.
struct Body {
  Body* parent = nullptr;                         // null: the graph itself
  std::vector<Node*> args;                        // ops BodyArg: a loop's variables, else none
  std::vector<NodeOutput> results;                // no node: a branch that does not have this one
  std::vector<NodeOutput> captures;               // distinct
  std::vector<Node*> waits_for;                   // outside
  std::vector<Node*> effects;                     // changes of variables that the results wait for
  std::vector<std::vector<Node*>> outer_control;  // what was open around it
  // Of a loop's body: an empty list and a 0 that are made before the loop's op, for the variables
  // that a gradient adds to the loop.
  NodeOutput empty_list, zero;
  std::map<NodeOutput, int> kept;  // which variables are lists of these outputs' values
  int counter = -1;                // the variable that counts rounds; -1: there is none
};

// True for an op of the body, and for one of a body inside it.
bool IsInside(const Node& node, const Body& body);
// True when ops of `body` may use the outputs of `node`.
bool IsVisible(const Node& node, const Body* body);

// Says what the body gives, and finds what it needs. While it is added to.
void Finish(GraphState& graph, Body& body, std::vector<NodeOutput> results);

// Ops go to the body, and wait for nothing that is outside, until the scope is closed. Returns the
// scope's number in graph.open_scopes().
uint64_t OpenBody(GraphState& graph, Body* body);
// Ops go to the graph itself, and wait for what ops outside of all bodies wait for.
uint64_t OpenOutside(GraphState& graph);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_BODY_H_
