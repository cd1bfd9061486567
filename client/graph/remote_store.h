// What a graph and its sessions need of the server. client/rpc implements it over gRPC.
#ifndef VARSCOPE_CLIENT_GRAPH_REMOTE_STORE_H_
#define VARSCOPE_CLIENT_GRAPH_REMOTE_STORE_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/naming/contract.h"
#include "proto/naming/creator.h"
#include "proto/tensor/assign_op.h"
#include "varscope/graph.h"
#include "varscope/initializer_spec.h"
#include "varscope/tensor.h"

namespace varscope::internal {

struct OptimizerSlots;

// A get_variable (with a key) or a Variable (without) for the store to check.
struct Definition {
  std::string key;
  std::string name;  // proposed
  DType dtype = DType::kFloat32;
  std::optional<Shape> shape;
  std::optional<bool> trainable;
  Reuse reuse = Reuse::kFalse;
  std::optional<InitializerSpec> initializer;  // neither this nor worker_initialized: look up only
  bool worker_initialized = false;
  std::optional<std::vector<int64_t>> partitions;
  std::vector<std::string> part_names;  // proposed, when there are partitions
  bool unpartitioned = false;           // as Request::unpartitioned
  Creator creator;
};

struct ResolvedVariable {
  std::string name;
  DType dtype = DType::kInvalid;
  Shape shape;
  bool trainable = true;
  Creator creator;
};

struct Resolved {
  enum class Outcome { kAbsent, kCreated, kAttached, kRefused };
  Outcome outcome = Outcome::kAbsent;
  std::vector<ResolvedVariable> variables;  // one, or the parts
  std::optional<KnownPartitioned> partitioning;
  std::string message;  // refused: TensorFlow's text
  std::string detail;   // refused: both definitions
  std::string warning;
};

// An optimizer's state on the server, created when first needed.
struct OptimizerState {
  std::string optimizer;
  std::map<std::string, double> hyperparameters;
  std::string name;
  uint32_t instance = 0;
  std::string group;
  std::vector<std::string> non_slots = {};  // their names; empty: the server's own
};

struct PushRequest {
  struct Update {
    std::string variable;
    Tensor gradient;
    Tensor rows;                           // undefined: dense
    std::optional<uint64_t> base_version;  // of the value that the gradient was computed from
    std::vector<std::string> slots = {};   // their names; empty: the server's own
  };
  // A variable that gets slots without being updated.
  struct SlotCreation {
    std::string variable;
    std::vector<std::string> slots;
  };
  struct Step {
    OptimizerState state;
    double clip_norm = 0;
    double clip_value = 0;
    double weight_decay = 0;
    Creator creator;  // of the slots; the connection adds the worker
    std::vector<Update> updates;
    std::vector<SlotCreation> create_slots;
    // Not sent: the optimizer, of whose variables the first of a group is state.group.
    const OptimizerSlots* optimizer = nullptr;
  };
  struct Assignment {
    std::string variable;
    AssignOp op;
    Tensor value;
    Tensor rows;  // of scatters
  };
  std::vector<Step> steps;
  std::vector<Assignment> assignments;
  bool allow_nonfinite = false;
  bool more_to_come = false;  // another push, of the same run, follows before any pull

  bool empty() const { return steps.empty() && assignments.empty(); }
};

// The variables of a group (proto/naming/names.h: FindGroupOf), as the server synchronizes them.
struct SyncGroup {
  std::string prefix;
  bool local = false;
  bool in_step = false;  // a worker has one push under way to it
  uint64_t step = 0;     // when the worker connected
  // local:
  uint32_t local_steps = 1;
  uint32_t fragments = 1;
  OptimizerState outer;
};

// A variable of the store as it lists it.
struct ListedVariable {
  std::string name;
  std::string key;      // empty but for get_variable's
  std::string primary;  // of a slot: the variable that it accompanies; else empty
  // Of a slot: the state that it belongs to, and its place there, as v1::VariableInfo has them.
  std::string state_key;
  uint32_t state_index = 0;
  bool non_slot = false;
  DType dtype = DType::kInvalid;
  Shape shape;
  bool initialized = false;
};

struct PulledValue {
  Tensor value;
  uint64_t version = 0;
};

// What a pull brought, in the order of its names. Thread-compatible.
class PullResult {
 public:
  PullResult() = default;
  PullResult(std::vector<PulledValue> values) : own_(std::move(values)) {}  // NOLINT: it is one

  size_t size() const { return all().size(); }
  const PulledValue& operator[](size_t i) const { return all()[i]; }
  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }

  // From now on copies share the values instead of copying them.
  void Share() { shared_ = std::make_shared<const std::vector<PulledValue>>(std::move(own_)); }
  // Takes the value out, or, where copies share it, a copy of it.
  PulledValue Take(size_t i) {
    if (shared_ != nullptr) return (*shared_)[i];
    return std::move(own_[i]);
  }

 private:
  const std::vector<PulledValue>& all() const { return shared_ != nullptr ? *shared_ : own_; }

  std::vector<PulledValue> own_;
  std::shared_ptr<const std::vector<PulledValue>> shared_;
};

struct PushAnswer {
  uint64_t global_step = 0;
  uint64_t group_step = 0;
  bool applied = true;  // false: the server dropped it, as stale or not finite
};

// Thread-safe. Every call has a deadline and throws the class of errors.h that fits its failure.
class RemoteStore {
 public:
  virtual ~RemoteStore() = default;

  virtual const std::string& worker_id() const = 0;
  virtual SharingMode sharing() const = 0;

  // Each definition on its own, in order.
  virtual std::vector<Resolved> Resolve(const std::vector<Definition>& definitions) = 0;
  // One consistent set, in the order of `names`.
  virtual PullResult Pull(const std::vector<std::string>& names) = 0;
  // The same, but in every bit, whatever compression the connection has.
  virtual PullResult PullWhole(const std::vector<std::string>& names) = 0;
  // The same, of some variables only rows: where rows[i] is defined, an int64 vector of distinct
  // numbers within the variable, the value has these rows in this order.
  virtual PullResult PullRows(const std::vector<std::string>& names,
                              const std::vector<Tensor>& rows) = 0;
  // All of it or nothing. Its updates are of one group.
  virtual PushAnswer Push(const PushRequest& request) = 0;
  // A push, and then a pull that sees it, in one round trip. Without values the push is done, but
  // the pull failed; Pull says why.
  struct PushedAndPulled {
    PushAnswer answer;
    std::optional<PullResult> values;
  };
  virtual PushedAndPulled PushAndPull(const PushRequest& request,
                                      const std::vector<std::string>& names) = 0;
  // The version of the variable's value that this worker has read last, as far as that is known.
  virtual std::optional<uint64_t> LastVersion(const std::string& /*variable*/) const {
    return std::nullopt;
  }
  // The server's groups: others after a restart of the server with other options.
  using Groups = std::shared_ptr<const std::vector<SyncGroup>>;
  virtual Groups groups() const = 0;
  // How often the worker has had to connect again because what it knew of the store was no more: a
  // rollback, another store.
  virtual uint64_t losses() const { return 0; }
  // In creation order, names that start with `prefix`.
  virtual std::vector<ListedVariable> List(const std::string& prefix) = 0;
  virtual void Barrier(const std::string& name, uint32_t parties,
                       std::chrono::milliseconds timeout) = 0;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_REMOTE_STORE_H_
