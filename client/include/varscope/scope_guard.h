// Scopes that are open: name scopes, variable scopes, control dependencies, and the defaults of a
// thread.
//
// A scope is opened by Enter, which returns a token, and closed by Leave(token): that is how a
// binding for another language does it. In C++ a ScopeGuard closes it at the end of a block.
//
// Scopes must be closed in the reverse order of their opening: the scopes of one graph among each
// other, the default graphs of one thread, and the default sessions of one thread.
// Thread-compatible: a graph's scopes are closed by the thread that builds it, a default by the
// thread that set it.
#ifndef VARSCOPE_SCOPE_GUARD_H_
#define VARSCOPE_SCOPE_GUARD_H_

#include <cstdint>
#include <memory>
#include <utility>

namespace varscope {

namespace internal {
class ScopeStack;
}

// An open scope, for Leave. A handle that keeps the graph alive. A scope whose token is lost stays
// open; its graph then may never be freed.
class [[nodiscard]] ScopeToken {
 public:
  // For the library: Enter makes tokens.
  ScopeToken(std::shared_ptr<internal::ScopeStack> stack, uint64_t id)
      : stack_(std::move(stack)), id_(id) {}

 private:
  friend class ScopeGuard;
  friend void Leave(const ScopeToken& token);

  std::shared_ptr<internal::ScopeStack> stack_;
  uint64_t id_;
};

// Closes the scope. Throws RuntimeError, and closes nothing, when a scope that was opened inside it
// is still open, or when it is closed already.
void Leave(const ScopeToken& token);

// Closes a scope when it is destroyed, and does not throw. When a scope inside it is still open
// then, it is closed together with that one, and the next call that uses the graph (or, of a
// default, the thread's next use of it) throws a RuntimeError that names both.
class [[nodiscard]] ScopeGuard {
 public:
  explicit ScopeGuard(ScopeToken token) : token_(std::move(token)) {}
  virtual ~ScopeGuard();
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  ScopeToken token_;
};

}  // namespace varscope

#endif  // VARSCOPE_SCOPE_GUARD_H_
