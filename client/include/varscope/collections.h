// Collections: lists of ops, outputs and variables that a graph keeps by name. As TensorFlow's.
// Thread-compatible, as the graph (graph.h).
#ifndef VARSCOPE_COLLECTIONS_H_
#define VARSCOPE_COLLECTIONS_H_

#include <string>
#include <variant>
#include <vector>

#include "varscope/graph.h"
#include "varscope/variables.h"

namespace varscope {

// TensorFlow's names. A graph itself keeps the variables, the losses of regularizers, the global
// step and the optimizers' ops; the others are the programs'.
namespace GraphKeys {
inline constexpr const char* GLOBAL_VARIABLES = "variables";
inline constexpr const char* TRAINABLE_VARIABLES = "trainable_variables";
inline constexpr const char* LOCAL_VARIABLES = "local_variables";
inline constexpr const char* MODEL_VARIABLES = "model_variables";
inline constexpr const char* MOVING_AVERAGE_VARIABLES = "moving_average_variables";
inline constexpr const char* REGULARIZATION_LOSSES = "regularization_losses";
inline constexpr const char* LOSSES = "losses";
inline constexpr const char* WEIGHTS = "weights";
inline constexpr const char* BIASES = "biases";
inline constexpr const char* ACTIVATIONS = "activations";
inline constexpr const char* UPDATE_OPS = "update_ops";
inline constexpr const char* TRAIN_OP = "train_op";
inline constexpr const char* GLOBAL_STEP = "global_step";
inline constexpr const char* SUMMARIES = "summaries";
inline constexpr const char* INIT_OP = "init_op";
inline constexpr const char* READY_OP = "ready_op";
}  // namespace GraphKeys

// A handle, which keeps its graph alive.
using CollectionItem = std::variant<Output, Operation, Variable>;

// Appends to a collection of the default graph; the same item may be there several times. Throws
// ValueError for an item that is undefined or belongs to another graph.
void add_to_collection(const std::string& name, const CollectionItem& item);

// Returns the items of a collection of the default graph, in the order in which they were added;
// none for a name that nobody used. Those of GLOBAL_VARIABLES and TRAINABLE_VARIABLES begin with
// the graph's own variables, a partitioned one as its parts. `scope` keeps the items whose names
// match it from their beginning on, as a regular expression; see global_variables(), also for what
// it throws.
std::vector<CollectionItem> get_collection(const std::string& name, const std::string& scope = "");

// Returns the names of the default graph's collections that are not empty, sorted.
std::vector<std::string> get_all_collection_keys();

}  // namespace varscope

#endif  // VARSCOPE_COLLECTIONS_H_
