// What a worker's calls with one request and one answer do. Nothing here waits, or knows how a call
// comes: a change is on stable storage when Durability::WhenOnStableStorage says so.
#ifndef VARSCOPE_SERVER_RPC_WORKER_CALLS_H_
#define VARSCOPE_SERVER_RPC_WORKER_CALLS_H_

#include "absl/status/status.h"
#include "server/auth/caller.h"
#include "server/rpc/context.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::server {

// The worker is live with a new incarnation; the answer has its session key. FailedPrecondition
// names both versions of the protocol; else as Workers::Connect. Thread-safe, as the others.
absl::Status Connect(const ServiceContext& service, const v1::ConnectRequest& request,
                     v1::ConnectResponse* response);

// Get-or-create of variables, in order, until one is malformed. A breach of the naming contract is
// an outcome in the answer, not an error. InvalidArgument for too many; errors as Workers::Check's
// and Catalog::Resolve's, with the worker and the variable named.
absl::Status Resolve(const ServiceContext& service, const Caller& caller,
                     const v1::ResolveRequest& request, v1::ResolveResponse* response);

// Renews the lease. Errors as Workers::Check's.
absl::Status Heartbeat(const ServiceContext& service, const Caller& caller,
                       v1::HeartbeatResponse* response);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_WORKER_CALLS_H_
