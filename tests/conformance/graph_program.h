// Graph programs: the format of differential.json, which tests/differential draws.
//
//   inputs     name -> {dtype, shape, data}, and perhaps "static" (the placeholder's shape, -1 for
//   a
//              dimension that is not known, null for an unknown rank) and "kind" ("constant" or
//              "variable", else a placeholder)
//   ops        [{as, op, of: names of inputs or earlier ops, attrs}]
//   fetch      the names whose values are asked for
//   gradients  the inputs that the sum of the fetched floats is differentiated by
//   weights    name of a fetched float -> its grad_ys; all ones where it is left out
//   second     when it is there: the sum of the squares of the gradients is differentiated once
//   more train      {optimizer, hyperparameters, steps}: steps that minimize the first fetched
//   float
#ifndef VARSCOPE_TESTS_CONFORMANCE_GRAPH_PROGRAM_H_
#define VARSCOPE_TESTS_CONFORMANCE_GRAPH_PROGRAM_H_

#include <string>

#include "tests/conformance/report.h"

namespace varscope::conformance {

// Builds and runs the program in a graph of its own, against the server at `target`. Returns the
// sections "values", "gradients", "second" and "trained", as far as the program asks for them: name
// -> tensor, null for a gradient that is none; or {"error": class, "message"}, after which no
// section follows. Values also have "static", their shape before the run; gradients have "sparse".
Json Evaluate(const Json& program, const std::string& target);

}  // namespace varscope::conformance

#endif  // VARSCOPE_TESTS_CONFORMANCE_GRAPH_PROGRAM_H_
