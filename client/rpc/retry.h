// Calls that go on through a restart of the daemon, a broken connection, and refusals for now.
#ifndef VARSCOPE_CLIENT_RPC_RETRY_H_
#define VARSCOPE_CLIENT_RPC_RETRY_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <optional>

#include "proto/core/advice.h"

namespace varscope::internal {

using Clock = std::chrono::system_clock;

// Runs `attempt` until it succeeds, fails for good, or `deadline` has passed; each attempt gets a
// fresh context with that deadline. Tried again: what the network did (the daemon is away, the
// stream broke), and refusals that carry a retry delay, which is honoured. The waits grow from 20
// ms to 1 s, with jitter; a connection that comes back ends them. Every call of the protocol is
// safe to send again. Returns what the last attempt ended with.
struct CallResult {
  grpc::Status status;
  std::optional<Reconnect> reconnect;  // what the daemon advises
};
CallResult WithRetries(grpc::Channel& channel, Clock::time_point deadline,
                       const std::function<grpc::Status(grpc::ClientContext&)>& attempt);

// What the daemon advises in a call that has ended.
std::optional<Reconnect> AskedReconnect(const grpc::ClientContext& context);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_RETRY_H_
