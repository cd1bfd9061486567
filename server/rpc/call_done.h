// How a call with one request and one answer ends.
#ifndef VARSCOPE_SERVER_RPC_CALL_DONE_H_
#define VARSCOPE_SERVER_RPC_CALL_DONE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "proto/concurrency/done_once.h"
#include "server/rpc/refusal.h"
#include "server/sync/durability.h"

namespace varscope::server {

// Called once with the call's status, perhaps before the function that was given it returns, on any
// thread. Where std::bad_alloc ends what was given it, its own end tells the caller.
using CallDone = DoneOnce<absl::Status>;

// For a call that changes something: makes the change, unless none may be made now, and calls
// `done` when it is on stable storage, or with the first error.
inline void AnswerDurably(Durability& durability, absl::FunctionRef<absl::Status()> change,
                          CallDone done) {
  absl::Status status = AdmitChange(durability);
  if (status.ok()) status = change();
  if (!status.ok()) return done(status);
  durability.WhenOnStableStorage(std::move(done));
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_CALL_DONE_H_
