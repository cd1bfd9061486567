// Who is notified of every push, in the order in which they were applied.
#ifndef VARSCOPE_SERVER_STORE_PUSH_OBSERVER_H_
#define VARSCOPE_SERVER_STORE_PUSH_OBSERVER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "server/store/push_result.h"
#include "server/store/variable.h"

namespace varscope::server {

class ValidPush;  // server/push/push.h

// What will record one push, with all memory that this takes.
class PushEntry {
 public:
  virtual ~PushEntry() = default;
  // Every value has been written, and all of them are locked. Called once, before Append, under the
  // same conditions.
  virtual void ReadValues() noexcept {}
  // The push was applied. Called once, in the order of all changes, while the store's locks are
  // held: must not call the store, wait, take memory or fail.
  virtual void Append(const PushResult& result) noexcept = 0;
};

// Thread-safe. Pushes that touch the same variable come in their order, and after the creation of
// what they touch (Catalog::Observe); repeating all changes on an empty store gives the same state.
class PushObserver {
 public:
  virtual ~PushObserver() = default;
  // Asked, without locks, before anything of a push happens. PreparePush takes whatever this let
  // pass alone. With others, a push may take one part in so many of what is possible: as many
  // pushes that each may, may together. An error names the push's worker and one of its variables.
  virtual absl::Status MayPush(const ValidPush& push, uint64_t with_others) const = 0;
  // Called without locks, once the push has its slots; null: it need not be recorded.
  // `written`: the variables that it changes, as WriteSet (server/push/lock.h); they outlive the
  // entry. ResourceExhausted without memory for the record, naming worker and variable.
  virtual absl::StatusOr<std::unique_ptr<PushEntry>> PreparePush(
      const ValidPush& push, std::span<Variable* const> written) = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_PUSH_OBSERVER_H_
