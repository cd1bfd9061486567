// Who is told of every change of the store, in the order in which they happened.
#ifndef VARSCOPE_SERVER_STORE_OBSERVER_H_
#define VARSCOPE_SERVER_STORE_OBSERVER_H_

#include "absl/status/status.h"
#include "server/store/creation.h"
#include "server/store/push.h"

namespace varscope::server {

// Called while the store's locks are held: must not call the store, nor wait. Changes that touch
// the same variable come in their order; repeating all of them on an empty store gives the same
// state.
class StoreObserver {
 public:
  virtual ~StoreObserver() = default;
  // What cannot be kept does not happen: nothing is created with an error.
  virtual absl::Status OnCreated(const CreationBatch& batch) = 0;
  // Asked, without locks, before a push is applied. OnPushed takes whatever this let pass.
  virtual absl::Status MayPush(const Push& push) const = 0;
  virtual void OnPushed(const Push& push, const Applied& applied) = 0;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_OBSERVER_H_
