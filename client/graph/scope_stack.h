// The scopes of one kind of place that are open, innermost last.
#ifndef VARSCOPE_CLIENT_GRAPH_SCOPE_STACK_H_
#define VARSCOPE_CLIENT_GRAPH_SCOPE_STACK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace varscope::internal {

// Checks that scopes are closed in the reverse order of their opening. Thread-compatible, but for
// Check, which threads may call at the same time.
class ScopeStack {
 public:
  // `what` names the scope in errors. `close` undoes what opening it did, and must not throw.
  // Returns the scope's id.
  uint64_t Open(std::string what, std::function<void()> close);
  // RuntimeError, with nothing changed, unless it is the innermost.
  void Close(uint64_t id);
  // For destructors: closes it, or leaves it to be closed with the scopes inside it, and has Check
  // say so.
  void Abandon(uint64_t id) noexcept;
  // RuntimeError, once, for what Abandon found.
  void Check() {
    if (misused_.load(std::memory_order_relaxed)) Report();
  }
  bool empty() const { return open_.empty(); }
  // Exchanges all that both have. Tokens stay with the stack that they point to.
  void Swap(ScopeStack& other);

 private:
  struct Scope {
    uint64_t id;
    std::string what;
    std::function<void()> close;
    bool abandoned = false;
  };

  std::string WhyNot(const Scope& scope) const;
  void Report();
  void Pop();

  std::vector<Scope> open_;
  uint64_t last_id_ = 0;
  std::atomic<bool> misused_ = false;
  std::string misuse_;
};

// Closes a scope of a stack that outlives it.
class OpenScope {
 public:
  OpenScope(ScopeStack& stack, uint64_t id) : stack_(stack), id_(id) {}
  ~OpenScope() { stack_.Abandon(id_); }
  OpenScope(const OpenScope&) = delete;
  OpenScope& operator=(const OpenScope&) = delete;

 private:
  ScopeStack& stack_;
  const uint64_t id_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_SCOPE_STACK_H_
