// Why a call may not go on, with what its worker should do.
#ifndef VARSCOPE_SERVER_RPC_REFUSAL_H_
#define VARSCOPE_SERVER_RPC_REFUSAL_H_

#include <chrono>

#include "absl/status/status.h"
#include "proto/core/advice.h"
#include "server/sync/durability.h"
#include "server/sync/workers.h"

namespace varscope::server {

// OK, or why no change may be made now; then the client is told when to ask again.
inline absl::Status AdmitChange(const Durability& durability) {
  absl::Status status = durability.Admit();
  return status.ok() ? status : AdviseRetry(std::move(status), std::chrono::milliseconds(200));
}

// A worker whose incarnation ended while its call waited is told what to do now.
inline absl::Status WhatNow(Workers& workers, const Caller& caller, const absl::Status& status) {
  if (!absl::IsAborted(status) || !caller.is_worker()) return status;
  const absl::Status live = workers.Check(caller);
  return live.ok() ? status : live;
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_REFUSAL_H_
