#include "client/graph/creation.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "client/graph/log.h"
#include "client/graph/scope_guards.h"
#include "proto/tensor/elements.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

// Larger values do not travel inside a definition but as tensor frames.
constexpr size_t kMaxInlineValueBytes = size_t{64} << 10;

ResolvedVariable Unresolved(const Definition& definition) {
  return {definition.name, definition.dtype, definition.shape.value_or(Shape::Unknown()),
          definition.trainable.value_or(true), definition.creator};
}

DType OwnDType(const Number& number) {
  return std::visit(
      [](auto value) {
        using T = decltype(value);
        if constexpr (std::is_same_v<T, bool>) {
          return DType::kBool;
        } else if constexpr (std::is_same_v<T, double>) {
          return DType::kFloat32;
        } else {
          if (std::in_range<int32_t>(value)) return DType::kInt32;
          return std::in_range<int64_t>(value) ? DType::kInt64 : DType::kUint64;
        }
      },
      number.value());
}

void ThrowIfRefused(const Resolved& resolved) {
  if (!resolved.warning.empty()) Log().warn(resolved.warning);
  if (resolved.outcome == Resolved::Outcome::kRefused) {
    throw ValueError(resolved.message, resolved.detail);
  }
}

}  // namespace

Creator CreatorAt(const SourceLocation& where) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {.file = where.file,
          .line = where.line,
          .time_unix_micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
}

InitialValue FromTensor(const Tensor& value) {
  CheckDefined(value);
  InitialValue first{.dtype = value.dtype(), .shape = value.shape()};
  if (value.byte_size() > kMaxInlineValueBytes) {
    first.tensor = value;
  } else {
    first.spec = InitializerSpec{.kind = "value", .value = value};
  }
  return first;
}

InitialValue FromOutput(const GraphState& graph, const Output& value) {
  const NodeOutput own = graph.Own(value);
  if (own.node->body != nullptr) {
    throw ValueError(
        absl::StrCat("initial_value must not be computed inside a branch of a "
                     "condition or the body of a loop: ",
                     value.name()));
  }
  if (!value.shape().IsFullyDefined()) {
    throw ValueError(absl::StrCat("initial_value must have a shape specified: ", value.name(),
                                  " has shape ", value.shape().ToString()));
  }
  return {.dtype = value.dtype(), .shape = value.shape(), .output = own};
}

void CheckDType(DType dtype) {
  if (!IsDType(dtype)) throw TypeError("A dtype is needed, such as float32; there is none.");
}

void CheckDefined(const Tensor& value) {
  if (!value.defined()) throw ValueError("A value is needed, but the tensor is undefined.");
}

Tensor CastTensor(const Tensor& value, DType dtype) {
  CheckDefined(value);
  CheckDType(dtype);
  if (value.dtype() == dtype) return value;
  Tensor out(dtype, value.shape());
  ConvertElements(value.dtype(), value.raw(), dtype, out.mutable_raw(), value.num_elements());
  return out;
}

Tensor NumberTensor(const Number& number, std::optional<DType> hint) {
  const DType dtype = hint.value_or(OwnDType(number));
  return std::visit(
      [dtype](auto value) {
        using T = decltype(value);
        const bool fits = std::is_same_v<T, bool> || IsFloating(dtype) ||
                          (std::is_integral_v<T> && dtype != DType::kBool);
        if (fits) return CastTensor(Tensor::Scalar(value), dtype);
        throw TypeError(absl::StrCat("Expected ", Name(dtype), ", but got ", value, " of type '",
                                     std::is_integral_v<T> ? "int" : "float", "'."));
      },
      number.value());
}

Tensor LiteralTensor(const Initializer& literal, std::optional<DType> dtype) {
  if (const Number* const number = literal.number()) return NumberTensor(*number, dtype);
  if (const std::vector<double>* const numbers = literal.numbers()) {
    const Shape shape{static_cast<int64_t>(numbers->size())};
    return CastTensor(Tensor::Of<double>(shape, *numbers), dtype.value_or(DType::kFloat32));
  }
  const Tensor& value = *literal.value();
  CheckDefined(value);
  return CastTensor(value, dtype.value_or(value.dtype()));
}

Tensor SliceTensor(const Tensor& value, const std::vector<int64_t>& offset, const Shape& shape) {
  const Shape& whole = value.shape();
  bool inside = whole.rank() == shape.rank();
  for (int i = 0; inside && i < shape.rank(); ++i) {
    inside = offset[i] + shape.dim(i) <= whole.dim(i);
  }
  if (!inside) {
    throw ValueError(absl::StrCat("an initial value of shape ", whole.ToString(),
                                  " has no part of shape ", shape.ToString()));
  }
  Tensor out(value.dtype(), shape);
  if (out.num_elements() == 0) return out;
  const size_t size = SizeOf(value.dtype());
  const int rank = shape.rank();
  const int64_t row = rank == 0 ? 1 : shape.dim(-1);
  std::vector<int64_t> index(rank, 0);
  for (int64_t done = 0; done < out.num_elements(); done += row) {
    int64_t from = 0;
    for (int i = 0; i < rank; ++i) from = from * whole.dim(i) + offset[i] + index[i];
    std::memcpy(out.mutable_raw() + done * size, value.raw() + from * size, row * size);
    for (int i = rank - 2; i >= 0 && ++index[i] == shape.dim(i); --i) index[i] = 0;
  }
  return out;
}

Definition Define(const std::string& key, const std::string& name, const InitialValue& first) {
  Definition definition{.key = key, .name = name, .dtype = first.dtype, .shape = first.shape};
  definition.initializer = first.spec;
  definition.worker_initialized = !first.spec;
  return definition;
}

Resolved AskStore(GraphState& graph, const Definition& definition) {
  Resolved resolved = graph.store()->Resolve({definition}).front();
  ThrowIfRefused(resolved);
  return resolved;
}

namespace {

// To be taken as it is.
std::string FreeName(GraphState& graph, const std::string& name) {
  std::string free = name;
  while (graph.FindNode(free) != nullptr) free = graph.names().Unique(name);
  return free + "/";
}

}  // namespace

VariableState* AddResolved(GraphState& graph, const std::string& key,
                           const ResolvedVariable& resolved) {
  graph.CheckOpen(resolved.name);
  const NameScopeGuard root(graph, "");
  const OutsideGuard outside(graph);
  const NoControlGuard at_once(graph);
  if (!key.empty()) graph.names().Unique(key);
  auto made = std::make_unique<VariableState>();
  made->graph = &graph;
  made->name = resolved.name;
  made->key = key;
  made->dtype = resolved.dtype;
  made->shape = resolved.shape;
  made->trainable = resolved.trainable;
  made->creator = resolved.creator;
  VariableState* const state = graph.variables().Add(std::move(made));
  const std::vector<OutputSpec> outputs = {{resolved.dtype, resolved.shape}};
  state->handle = graph.AddNode({.op = "VarHandleOp",
                                 .name = FreeName(graph, resolved.name),
                                 .outputs = outputs,
                                 .variable = state});
  const std::string read = absl::StrCat(resolved.name, "/read");
  state->read.node = graph.AddNode({.op = "ReadVariableOp",
                                    .name = FreeName(graph, read),
                                    .outputs = outputs,
                                    .variable = state});
  return state;
}

VariableState* AddNew(GraphState& graph, Definition definition, const InitialValue& first) {
  graph.CheckOpen(definition.name);
  const std::string key = definition.key;
  ResolvedVariable resolved = Unresolved(definition);
  if (graph.store() != nullptr) resolved = AskStore(graph, definition).variables.front();
  VariableState* const state = AddResolved(graph, key, resolved);
  if (graph.store() == nullptr) state->pending = std::move(definition);
  state->initial_output = first.output;
  state->initial_tensor = first.tensor;
  return state;
}

void ResolvePending(GraphState& graph, RemoteStore& store) {
  std::vector<VariableState*> waiting;
  std::vector<Definition> definitions;
  for (VariableState* state : graph.variables().defined()) {
    if (!state->pending) continue;
    waiting.push_back(state);
    definitions.push_back(*state->pending);
  }
  if (waiting.empty()) return;
  const std::vector<Resolved> resolved = store.Resolve(definitions);
  for (const Resolved& one : resolved) ThrowIfRefused(one);
  const auto accept = [](VariableState& state, const ResolvedVariable& variable) {
    state.name = variable.name;
    state.trainable = variable.trainable;
    state.creator = variable.creator;
  };
  for (size_t i = 0; i < waiting.size(); ++i) {
    VariableState& state = *waiting[i];
    if (state.parts.empty()) {
      accept(state, resolved[i].variables.front());
    } else {
      for (size_t p = 0; p < state.parts.size(); ++p) {
        accept(*state.parts[p], resolved[i].variables[p]);
      }
    }
    state.pending.reset();
  }
  RenameSlots(graph);
}

}  // namespace varscope::internal
