// Why a call may not go on, with what its worker should do.
#ifndef VARSCOPE_SERVER_RPC_REFUSAL_H_
#define VARSCOPE_SERVER_RPC_REFUSAL_H_

#include <chrono>

#include "absl/status/status.h"
#include "proto/wire/retry_info.h"
#include "server/membership/workers.h"
#include "server/sync/durability.h"

namespace varscope::server {

// OK, or why no change may be made now; then with a retry delay.
inline absl::Status AdmitChange(const Durability& durability) {
  absl::Status status = durability.Admit();
  return status.ok() ? status : WithRetryAfter(std::move(status), std::chrono::milliseconds(200));
}

// When the worker's incarnation ended while its call waited: the error that says so, with its retry
// info; else `status`.
inline absl::Status WhatNow(Workers& workers, const Caller& caller, const absl::Status& status) {
  if (!absl::IsAborted(status) || !caller.is_worker()) return status;
  const absl::Status live = workers.Check(caller);
  return live.ok() ? status : live;
}

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_REFUSAL_H_
