// Calls that go on through a restart of the daemon, a broken connection, and refusals for now.
#ifndef VARSCOPE_CLIENT_RPC_RETRY_H_
#define VARSCOPE_CLIENT_RPC_RETRY_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>

namespace varscope::internal {

using Clock = std::chrono::system_clock;

// Runs `attempt` until it succeeds, fails for good, or `deadline` has passed; each attempt gets a
// fresh context with that deadline. Tried again: what the network did (the daemon is away, the
// stream broke), and refusals that carry a retry delay, which is honoured. The waits grow from 20
// ms to 1 s, with jitter; a connection that comes back ends them. Every call of the protocol is
// safe to send again. Returns the last attempt's status.
grpc::Status WithRetries(grpc::Channel& channel, Clock::time_point deadline,
                         const std::function<grpc::Status(grpc::ClientContext&)>& attempt);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_RETRY_H_
