// What a worker's calls with one request and one answer do. Nothing here waits, or knows how a call
// comes. A change is answered when it is on stable storage.
#ifndef VARSCOPE_SERVER_RPC_WORKER_CALLS_H_
#define VARSCOPE_SERVER_RPC_WORKER_CALLS_H_

#include "server/auth/caller.h"
#include "server/rpc/answer.h"
#include "server/rpc/call_done.h"
#include "server/rpc/context.h"
#include "varscope/v1/worker.pb.h"

namespace varscope::server {

// All are thread-safe. The request and the answer must stay until `done`.

// The worker is live with a new incarnation; the answer has its session key. FailedPrecondition
// names both versions of the protocol; else as Workers::Connect.
void Connect(const ServiceContext& service, const Caller& caller, const v1::ConnectRequest& request,
             Answer<v1::ConnectResponse>& answer, CallDone done);

// Get-or-create of variables, in order, until one is malformed. A breach of the naming contract is
// an outcome in the answer, not an error. InvalidArgument for too many, ResourceExhausted for an
// answer for which there is no room (AnswerBudget); errors as Workers::Check's and
// Catalog::Resolve's, with the worker and the variable named; as WorkSerializer::Run when others
// define much. Each definition has a turn of its own.
void Resolve(const ServiceContext& service, const Caller& caller, const v1::ResolveRequest& request,
             Answer<v1::ResolveResponse>& answer, CallDone done);

// The worker waits for it no longer: what has not had its turn is not defined.
void LeaveResolve(const ServiceContext& service, const Caller& caller,
                  const v1::ResolveRequest& request);

// Renews the lease. Errors as Workers::Check's.
void Heartbeat(const ServiceContext& service, const Caller& caller, const v1::HeartbeatRequest&,
               Answer<v1::HeartbeatResponse>& answer, CallDone done);

// Answers when all parties have come, as Barriers::Arrive. InvalidArgument for a bad name or more
// than 24 hours.
void Barrier(const ServiceContext& service, const Caller& caller, const v1::BarrierRequest& request,
             Answer<v1::BarrierResponse>& answer, CallDone done);
// The worker no longer waits at the barrier.
void LeaveBarrier(const ServiceContext& service, const Caller& caller,
                  const v1::BarrierRequest& request);

// The worker's incarnation ends, whether or not changes can be made durable now. Errors as
// Workers::Disconnect's.
void Disconnect(const ServiceContext& service, const Caller& caller, const v1::DisconnectRequest&,
                Answer<v1::DisconnectResponse>&, CallDone done);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_WORKER_CALLS_H_
