// get_variable: the contract, checked in the graph and then by the store.
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/graph/creation.h"
#include "client/graph/handles.h"
#include "client/graph/scope_guards.h"
#include "client/graph/state.h"
#include "proto/naming/names.h"
#include "varscope/collections.h"
#include "varscope/errors.h"
#include "varscope/variables.h"

namespace varscope {
namespace internal {
namespace {

InitializerSpec Default(DType dtype) {
  return {.kind = IsFloating(dtype) ? "glorot_uniform" : "zeros"};
}

std::string At(const Creator& creator) {
  return creator.file.empty() ? "" : absl::StrCat(" at ", creator.file, ":", creator.line);
}

// One get_variable call after the scope's defaults were filled in.
class Call {
 public:
  Call(GraphState& graph, const std::string& key, const GetVariableArgs& args, Creator creator)
      : graph_(graph), key_(key), args_(args), creator_(std::move(creator)) {
    const bool scalar = args.shape && args.shape->known_rank() && args.shape->rank() == 0;
    partitioned_ = args.partitioner && !scalar;
    request_ = {key,         *args.dtype,  args.shape,
                *args.reuse, std::nullopt, args.partitioner && scalar};
  }

  Variable Run() {
    if (partitioned_) ComputePartitions();
    if (!partitioned_) CheckConstant();
    const ReuseCheck check = CheckReuse(graph_.variables(), request_);
    switch (check.decision) {
      case ReuseDecision::kAttach:
        return Wrap(graph_.variables().Variable(key_));
      case ReuseDecision::kAttachPartitioned:
        return Wrap(graph_.variables().Partitioned(key_));
      case ReuseDecision::kExists:
      case ReuseDecision::kMismatch:
        Refuse(check);
      case ReuseDecision::kMissing:
        return LookUp(check.message);
      case ReuseDecision::kUndecided:
        return LookUp(UnknownPartitionShapeText(args_.shape.value_or(Shape::Unknown())));
      case ReuseDecision::kCreate:
        break;
    }
    return partitioned_ ? CreatePartitioned() : CreateSingle();
  }

 private:
  // Left empty when the shape is not known: the check may still refuse for another reason.
  void ComputePartitions() {
    request_.partitions.emplace();
    if (graph_.variables().Variable(key_) != nullptr) return;
    if (args_.initializer && args_.initializer->output() && !request_.shape) {
      request_.shape = args_.initializer->output()->shape();
    }
    if (!request_.shape || !request_.shape->IsFullyDefined()) return;
    if (request_.shape->rank() < 1) ThrowIfInvalid(ValidatePartitions(*request_.shape, {}));
    request_.partitions = args_.partitioner(*request_.shape, request_.dtype);
    ThrowIfInvalid(ValidatePartitions(*request_.shape, *request_.partitions));
  }

  static void ThrowIfInvalid(const absl::Status& status) {
    if (!status.ok()) throw ValueError(std::string(status.message()));
  }

  void CheckConstant() const {
    if (!args_.initializer || args_.initializer->spec() || !args_.shape) return;
    const ReuseDecision decision = CheckReuse(graph_.variables(), request_).decision;
    const bool about_partitions =
        decision == ReuseDecision::kAttachPartitioned ||
        (decision == ReuseDecision::kMismatch && graph_.variables().Variable(key_) == nullptr);
    if (!about_partitions) throw ValueError(std::string(kConstantWithShapeText));
  }

  [[noreturn]] void Refuse(const ReuseCheck& check) const {
    const VariableState* const conflicting = graph_.variables().Variable(check.conflicting_key);
    std::string detail;
    if (conflicting != nullptr) {
      detail = absl::StrCat("Originally defined by ", ToString(conflicting->creator),
                            "\nasked for again", At(creator_));
    }
    throw ValueError(check.message, detail);
  }

  bool CheckedByStore() const {
    return graph_.store() != nullptr && graph_.store()->sharing() == SharingMode::kGlobal;
  }

  Definition Ask() const {
    return {.key = key_,
            .name = key_,
            .dtype = request_.dtype,
            .shape = request_.shape,
            .trainable = args_.trainable,
            .reuse = request_.reuse,
            .partitions = request_.partitions,
            .unpartitioned = request_.unpartitioned,
            .creator = creator_};
  }

  // This graph does not know it and cannot make it: another worker may have. `otherwise` says why
  // there is no variable when none has.
  Variable LookUp(const std::string& otherwise) {
    // A name that no store accepts is nobody's.
    if (!CheckedByStore() || !ValidateVariableName(key_).ok()) throw ValueError(otherwise);
    const Resolved resolved = AskStore(graph_, Ask());
    if (resolved.outcome == Resolved::Outcome::kAbsent) throw ValueError(otherwise);
    return Attach(resolved);
  }

  Variable Attach(const Resolved& resolved) {
    if (resolved.partitioning) return AddParts(resolved);
    return Wrap(AddResolved(graph_, key_, resolved.variables.front()));
  }

  Variable AddParts(const Resolved& resolved) {
    const KnownPartitioned& how = *resolved.partitioning;
    auto whole = std::make_unique<VariableState>();
    whole->graph = &graph_;
    whole->name = whole->key = key_;
    whole->dtype = how.dtype;
    whole->shape = how.full_shape;
    whole->partitions = how.partitions;
    whole->creator = creator_;
    const std::vector<Part> parts = Slice(key_, how.full_shape, how.partitions);
    for (size_t i = 0; i < parts.size(); ++i) {
      VariableState* part = graph_.variables().Variable(parts[i].key);
      if (part == nullptr) part = AddResolved(graph_, parts[i].key, resolved.variables[i]);
      whole->trainable = part->trainable;
      whole->parts.push_back(part);
    }
    whole->handle = whole->parts.front()->handle;
    return Wrap(graph_.variables().AddPartitioned(std::move(whole)));
  }

  // The initializer for a new variable, or the reason why there can be none.
  InitialValue First() const {
    if (args_.initializer && args_.initializer->output()) {
      return FromOutput(graph_, *args_.initializer->output());
    }
    if (args_.initializer && args_.initializer->spec() == nullptr) {
      return FromTensor(LiteralTensor(*args_.initializer, {}));
    }
    if (!args_.initializer && !args_.shape) throw ValueError(MissingShapeText(key_));
    if (!args_.shape || !args_.shape->IsFullyDefined()) {
      throw ValueError(std::string(kInvalidInitializerText));
    }
    return {.dtype = request_.dtype,
            .shape = *args_.shape,
            .spec = args_.initializer ? *args_.initializer->spec() : Default(request_.dtype)};
  }

  Variable CreateSingle() {
    InitialValue first;
    try {
      first = First();
    } catch (const ValueError& error) {
      return LookUp(error.message());
    }
    Definition definition = Ask();
    definition.name = OpName(key_);
    definition.dtype = first.dtype;
    definition.shape = first.shape;
    definition.initializer = first.spec;
    definition.worker_initialized = !first.spec;
    return Wrap(AddNew(graph_, std::move(definition), first));
  }

  std::string OpName(const std::string& name) const {
    const NameScopeGuard root(graph_, "");
    if (absl::Status status = graph_.names().Validate(name); !status.ok()) {
      throw ValueError(std::string(status.message()));
    }
    return graph_.names().Peek(name);
  }

  Variable CreatePartitioned() {
    graph_.CheckOpen(key_);
    Definition definition = Ask();
    definition.initializer = Default(request_.dtype);
    if (args_.initializer) definition.initializer = PartitionedInitializer();
    // TensorFlow meets an invalid name when it slices the first part's value.
    OpName(absl::StrCat(key_, "/part_0/PartitionedInitializer"));
    const std::vector<Part> parts = Slice(key_, *request_.shape, *request_.partitions);
    for (const Part& part : parts) definition.part_names.push_back(OpName(part.key));
    if (graph_.store() != nullptr) return AddParts(AskStore(graph_, definition));
    Resolved resolved{.partitioning =
                          KnownPartitioned{request_.dtype, *request_.shape, *request_.partitions}};
    for (size_t i = 0; i < parts.size(); ++i) {
      resolved.variables.push_back({definition.part_names[i], request_.dtype, parts[i].shape,
                                    args_.trainable.value_or(true), creator_});
    }
    Variable whole = AddParts(resolved);
    Unwrap(whole)->pending = std::move(definition);
    return whole;
  }

  InitializerSpec PartitionedInitializer() const {
    if (args_.initializer->spec()) return *args_.initializer->spec();
    if (args_.initializer->output()) {
      throw ValueError(absl::StrCat("partitioned variable ", key_,
                                    " takes an initializer or a value, not the output of an op"));
    }
    const Tensor value = LiteralTensor(*args_.initializer, request_.dtype);
    const std::vector<int64_t> origin(request_.shape->rank(), 0);
    return {.kind = "value", .value = SliceTensor(value, origin, *request_.shape)};
  }

  GraphState& graph_;
  const std::string key_;
  const GetVariableArgs& args_;
  const Creator creator_;
  bool partitioned_ = false;
  Request request_;
};

// An explicit dtype must be the literal's; making the literal a tensor takes the name "Const".
void CheckInitializerDType(GraphState& graph, const GetVariableArgs& args) {
  if (!args.dtype || !args.initializer || args.initializer->spec()) return;
  DType dtype = DType::kInvalid;
  if (const Output* output = args.initializer->output()) {
    dtype = output->dtype();
  } else {
    graph.names().Unique("Const");
    dtype = LiteralTensor(*args.initializer, {}).dtype();
  }
  if (dtype != *args.dtype) throw ValueError(InitializerDTypeText(dtype, *args.dtype));
}

void AddRegularizationLoss(GraphState& graph, const Regularizer& regularizer,
                           const Variable& variable) {
  const std::string& name = Unwrap(variable)->name;
  const NameScopeGuard scope(graph, name + "/Regularizer/");
  const Output loss = regularizer(variable);
  if (loss.defined()) add_to_collection(GraphKeys::REGULARIZATION_LOSSES, loss);
}

}  // namespace
}  // namespace internal

Variable get_variable(const std::string& name, GetVariableArgs args, const SourceLocation& where) {
  internal::GraphState& graph = internal::Current();
  const internal::ScopeState& scope = *graph.scopes().current();
  const std::string key = scope.name.empty() ? name : absl::StrCat(scope.name, "/", name);
  const internal::NameScopeGuard root(graph, "");
  internal::CheckDType(args.dtype.value_or(scope.dtype));
  internal::CheckInitializerDType(graph, args);
  if (!args.initializer) args.initializer = scope.initializer;
  if (!args.dtype) args.dtype = scope.dtype;
  if (!args.regularizer) args.regularizer = scope.regularizer;
  if (!args.partitioner) args.partitioner = scope.partitioner;
  if (!args.custom_getter) args.custom_getter = scope.custom_getter;
  if (!args.reuse) args.reuse = scope.reuse;
  if (args.initializer && args.initializer->output()) graph.Own(*args.initializer->output());
  const Getter getter = [&](const std::string& full_name, const GetVariableArgs& given) {
    const internal::OutsideGuard outside(graph);
    const size_t known = graph.variables().size();
    Variable variable = internal::Call(graph, full_name, given, internal::CreatorAt(where)).Run();
    const bool fresh = graph.variables().size() > known;
    if (fresh && given.regularizer) {
      for (const Variable& part : variable.parts()) {
        internal::AddRegularizationLoss(graph, given.regularizer, part);
      }
    }
    return variable;
  };
  return args.custom_getter ? args.custom_getter(getter, key, args) : getter(key, args);
}

Variable get_variable(const std::string& name, const SourceLocation& where) {
  return get_variable(name, GetVariableArgs{}, where);
}

}  // namespace varscope
