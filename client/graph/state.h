// Everything that one graph holds.
#ifndef VARSCOPE_CLIENT_GRAPH_STATE_H_
#define VARSCOPE_CLIENT_GRAPH_STATE_H_

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "client/graph/body.h"
#include "client/graph/naming.h"
#include "client/graph/node.h"
#include "client/graph/optimizer_slots.h"
#include "client/graph/scope_stack.h"
#include "client/graph/variable_scopes.h"
#include "client/graph/variable_table.h"
#include "proto/concurrency/mutex.h"

namespace varscope::internal {

// Owns all of it; its parts refer to each other by pointers, and handles own the state as a whole
// (handles.h). Made by std::make_shared. Thread-compatible, as Graph.
class GraphState : public std::enable_shared_from_this<GraphState> {
 public:
  GraphState() = default;
  GraphState(const GraphState&) = delete;
  GraphState& operator=(const GraphState&) = delete;

  // Itself, for a call of the program. RuntimeError for a scope that was closed out of order
  // before.
  GraphState& Use();

  // Infers shapes, names the node and adds it. ValueError when shapes or dtypes do not fit, for an
  // input that is undefined or belongs to another graph, and for a name that no op may have, or
  // that is to be taken as it is and another op has. TypeError for an output that has no dtype.
  Node* AddNode(NodeArgs args);

  // What the variable is after the ops `after` and what control_dependencies are open, around
  // bodies, too. ValueError where a change inside a body comes before that leaves no value there.
  NodeOutput AddRead(VariableState* variable, std::vector<Node*> after = {});
  // What an op has as its input where the program says `output`: that of an assignment is a read
  // after it.
  NodeOutput AsInput(const NodeOutput& output);

  // ValueError unless ops that are added now may use the outputs of `node`.
  void CheckVisible(const Node& node, const std::string& user) const;

  // What the handles refer to. ValueError when one is undefined or belongs to another graph.
  NodeOutput Own(const Output& output) const;
  Node* Own(const Operation& operation) const;
  VariableState* Own(const Variable& variable) const;
  std::vector<Node*> Own(const std::vector<Operation>& operations) const;

  Node* FindNode(const std::string& name) const;
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }

  Names& names() { return names_; }
  const Names& names() const { return names_; }
  VariableScopes& scopes() { return scopes_; }
  VariableTable& variables() { return variables_; }
  std::vector<std::vector<Node*>>& control() { return control_; }
  // Ops made now have something to wait for, or the op that carries out their body has.
  bool controlled() const;
  // What ops are added to; null: the graph itself.
  Body* body() const { return body_; }
  void SetBody(Body* body) { body_ = body; }
  // A new one, inside of what ops are added to.
  Body* NewBody() {
    bodies_.push_back(std::make_unique<Body>());
    bodies_.back()->parent = body_;
    return bodies_.back().get();
  }
  // Of add_to_collection, by key.
  using CollectionItem = std::variant<NodeOutput, Node*, VariableState*>;
  std::map<std::string, std::vector<CollectionItem>>& collections() { return collections_; }
  // Name scopes, variable scopes and control dependencies.
  ScopeStack& open_scopes() { return open_scopes_; }
  ScopeToken TokenOf(uint64_t id) {
    return {std::shared_ptr<ScopeStack>(shared_from_this(), &open_scopes_), id};
  }
  // Of an optimizer `name`, by its identity.
  OptimizerSlots& slots_of(const std::shared_ptr<const void>& optimizer, const std::string& name) {
    const MutexLock lock(optimizers_mutex_);
    const auto [it, fresh] = optimizer_slots_.try_emplace(optimizer);
    if (fresh) it->second.name = name;
    if (fresh) it->second.instance = optimizers_[name]++;
    return it->second;
  }
  // Null when the optimizer has none in this graph.
  const OptimizerSlots* FindSlotsOf(const std::shared_ptr<const void>& optimizer) const {
    const MutexLock lock(optimizers_mutex_);
    const auto it = optimizer_slots_.find(optimizer);
    return it == optimizer_slots_.end() ? nullptr : &it->second;
  }
  // Of all optimizers, in no order. None goes. Runs may ask while others are being added.
  std::vector<OptimizerSlots*> optimizers() {
    const MutexLock lock(optimizers_mutex_);
    std::vector<OptimizerSlots*> all;
    for (auto& [identity, slots] : optimizer_slots_) all.push_back(&slots);
    return all;
  }
  SlotKeys& slot_keys() { return slot_keys_; }

  // From here on the scopes are those that this thread of the program has opened, which a number
  // stands for; the first that calls it has those that are open already. For a caller that keeps
  // threads apart: a scope is closed when its thread's are in use.
  void UseScopesOf(uint64_t thread);

  // Null while not connected.
  const std::shared_ptr<RemoteStore>& store() const { return store_; }
  // `threads`: as ConnectOptions::threads.
  void Connect(std::shared_ptr<RemoteStore> store, int threads = 0) {
    store_ = std::move(store);
    threads_ = threads;
  }
  int threads() const { return threads_; }

  // From then on AddNode throws RuntimeError but for a read of a variable.
  void Finalize() { finalized_ = true; }
  // Throws it for what is to be added under that name. Whoever adds more than an op asks first, and
  // leaves nothing behind.
  void CheckOpen(const std::string& name) const;
  bool finalized() const { return finalized_; }

 private:
  // What a thread whose scopes are not in use has opened.
  struct Aside {
    std::string name_scope;
    VariableScopes scopes;
    ScopeStack open_scopes;
    std::vector<std::vector<Node*>> control;
    Body* body = nullptr;
  };
  void Swap(Aside& aside);

  NodeOutput ReadInBody(VariableState* variable, const std::vector<Node*>& after);
  NodeOutput ChangedInBody(const Node& change);

  std::vector<std::unique_ptr<Node>> nodes_;
  std::unordered_map<std::string, Node*> by_name_;
  std::vector<std::unique_ptr<Body>> bodies_;
  Body* body_ = nullptr;
  Names names_;
  VariableScopes scopes_;
  ScopeStack open_scopes_;
  VariableTable variables_;
  std::vector<std::vector<Node*>> control_;  // of the control_dependencies now open
  std::map<std::string, std::vector<CollectionItem>> collections_;
  mutable Mutex optimizers_mutex_;
  std::map<std::string, uint32_t> optimizers_  // how many there are, by name
      ABSL_GUARDED_BY(optimizers_mutex_);
  std::map<std::shared_ptr<const void>, OptimizerSlots> optimizer_slots_  // by identity
      ABSL_GUARDED_BY(optimizers_mutex_);
  SlotKeys slot_keys_;
  std::map<uint64_t, Aside> aside_;  // by thread
  uint64_t in_use_ = 0;              // whose scopes are in use; 0: nobody has asked
  std::shared_ptr<RemoteStore> store_;
  int threads_ = 0;  // as ConnectOptions::threads
  bool finalized_ = false;
};

// The state of the current default graph.
GraphState& Current();

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_STATE_H_
