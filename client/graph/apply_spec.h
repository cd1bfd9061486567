// What an ApplyGradients op tells the server, apart from the tensors.
#ifndef VARSCOPE_CLIENT_GRAPH_APPLY_SPEC_H_
#define VARSCOPE_CLIENT_GRAPH_APPLY_SPEC_H_

#include <memory>
#include <string>
#include <vector>

#include "proto/naming/creator.h"

namespace varscope::internal {

struct OptimizerSlots;
struct VariableState;

struct ApplySpec {
  std::string optimizer;                     // the server's name of the rule
  std::string slot_name;                     // the optimizer's name
  const OptimizerSlots* slots = nullptr;     // of the optimizer; its graph keeps them
  std::vector<std::string> hyperparameters;  // by position; the node's first inputs
  struct Update {
    const VariableState* variable;
    bool sparse;  // the next two inputs are values and rows, else the next one is the gradient
    bool fed;     // the program computes the gradient, from what it has read last
  };
  std::vector<Update> updates;
  double clip_norm = 0;
  double clip_value = 0;
  double weight_decay = 0;
  bool allow_nonfinite = false;
  Creator creator;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_APPLY_SPEC_H_
