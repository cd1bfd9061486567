// Makes a graph's variables: decides the initial value, asks the store, adds the nodes.
#ifndef VARSCOPE_CLIENT_GRAPH_CREATION_H_
#define VARSCOPE_CLIENT_GRAPH_CREATION_H_

#include <memory>
#include <optional>
#include <string>

#include "client/graph/state.h"
#include "varscope/initializers.h"
#include "varscope/number.h"
#include "varscope/source_location.h"

namespace varscope::internal {

// Here and now; the connection adds the worker.
Creator CreatorAt(const SourceLocation& where);

// How a new variable gets its initial value, and the dtype and shape that this gives it.
struct InitialValue {
  DType dtype = DType::kInvalid;
  Shape shape;
  std::optional<InitializerSpec> spec;  // the server computes it, or gets it with the definition
  std::optional<NodeOutput> output;     // the worker computes it later
  std::optional<Tensor> tensor;         // too large for a definition; the worker sends it later
};

// A value that the worker has: sent with the definition when it is small. ValueError when it is
// undefined.
InitialValue FromTensor(const Tensor& value);
// ValueError when the output is undefined, of another graph, or of a shape that is not known.
InitialValue FromOutput(const GraphState& graph, const Output& value);

// TypeError for what is no dtype, such as kInvalid.
void CheckDType(DType dtype);

// ValueError for an undefined tensor.
void CheckDefined(const Tensor& value);

// The literal in another dtype, as cast() converts it. Throws as the two above.
Tensor CastTensor(const Tensor& value, DType dtype);

// The number in a dtype, or in its own. TypeError for a fraction as an integer or a bool, and for a
// whole number as a bool.
Tensor NumberTensor(const Number& number, std::optional<DType> dtype);

// An initial value that is neither a specification nor an output, in a dtype or in its own. Throws
// as the three above.
Tensor LiteralTensor(const Initializer& literal, std::optional<DType> dtype);

// The part of `value` at `offset`; ValueError when it is not inside.
Tensor SliceTensor(const Tensor& value, const std::vector<int64_t>& offset, const Shape& shape);

// A definition without who and where.
Definition Define(const std::string& key, const std::string& name, const InitialValue& first);

// Asks the connected store; ValueError with its text and both definitions when it refuses.
Resolved AskStore(GraphState& graph, const Definition& definition);

// A local variable for what the store resolved; its key's op name is taken in the graph's root. Its
// ops are named after it, but where the graph has ops of these names.
VariableState* AddResolved(GraphState& graph, const std::string& key,
                           const ResolvedVariable& resolved);

// A new variable of this graph: resolved at once when the graph is connected, else when a Session
// connects it. `proposed` is its op name, which the store may change.
VariableState* AddNew(GraphState& graph, Definition definition, const InitialValue& first);

// Has the store resolve what is pending, in one batch. ValueError for the first that it refuses:
// then all are pending still.
void ResolvePending(GraphState& graph, RemoteStore& store);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_CREATION_H_
