#include "client/graph/scope_stack.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "varscope/errors.h"
#include "varscope/scope_guard.h"

namespace varscope {
namespace internal {

uint64_t ScopeStack::Open(std::string what, std::function<void()> close) {
  open_.push_back({++last_id_, std::move(what), std::move(close)});
  return last_id_;
}

void ScopeStack::Close(uint64_t id) {
  const auto scope = std::find_if(open_.begin(), open_.end(),
                                  [&](const Scope& s) { return s.id == id && !s.abandoned; });
  if (scope == open_.end()) throw RuntimeError("The scope of this token is closed already.");
  if (id != open_.back().id) throw RuntimeError(WhyNot(*scope));
  Pop();
}

void ScopeStack::Abandon(uint64_t id) noexcept {
  const auto scope =
      std::find_if(open_.begin(), open_.end(), [&](const Scope& s) { return s.id == id; });
  if (scope == open_.end()) return;
  if (id == open_.back().id) return Pop();
  scope->abandoned = true;
  if (misused_) return;
  misuse_ = WhyNot(*scope);
  misused_.store(true, std::memory_order_release);
}

void ScopeStack::Swap(ScopeStack& other) {
  open_.swap(other.open_);
  std::swap(last_id_, other.last_id_);
  misuse_.swap(other.misuse_);
  misused_.store(other.misused_.exchange(misused_.load()));
}

std::string ScopeStack::WhyNot(const Scope& scope) const {
  return absl::StrCat(scope.what, " was closed while ", open_.back().what,
                      ", which was opened inside it, was still open. Close scopes in the reverse "
                      "order of their opening.");
}

void ScopeStack::Report() {
  if (misused_.exchange(false, std::memory_order_acquire)) throw RuntimeError(misuse_);
}

// The innermost, and those around it that were abandoned.
void ScopeStack::Pop() {
  do {
    open_.back().close();
    open_.pop_back();
  } while (!open_.empty() && open_.back().abandoned);
}

}  // namespace internal

void Leave(const ScopeToken& token) { token.stack_->Close(token.id_); }

ScopeGuard::~ScopeGuard() { token_.stack_->Abandon(token_.id_); }

}  // namespace varscope
