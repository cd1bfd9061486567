// Calls that go on through a restart of the server, a broken connection, and refusals for now.
#ifndef VARSCOPE_CLIENT_RPC_RETRY_H_
#define VARSCOPE_CLIENT_RPC_RETRY_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/rpc/deadline.h"
#include "proto/wire/retry_info.h"
#include "varscope/v1/types.pb.h"

namespace varscope::internal {

// What an attempt ended with, and the server's retry info when it failed.
struct Outcome {
  grpc::Status status;
  std::optional<std::chrono::milliseconds> retry_after;
  std::optional<Reconnect> reconnect;
  bool hopeless = false;  // another attempt would end so, too
  bool silent = false;    // nobody answered within the call's deadline
};

// Of a call that has ended; `retry_info` has what the server said under a key of
// proto/wire/retry_info.h.
using RetryInfo = std::function<std::optional<std::string>(const char* key)>;
Outcome OutcomeOf(const grpc::Status& status, const RetryInfo& retry_info);

// As an answer, or the end of a stream, tells it.
Outcome OutcomeOf(const v1::Error& error);

// With the retry info in the trailing metadata.
Outcome OutcomeOf(const grpc::Status& status, const grpc::ClientContext& context);

// Whether the connection of an attempt that ended so should not be used any more: it broke, or
// nothing came through it.
bool ConnectionFailed(const Outcome& outcome);

// Where the next attempt will go.
using ChannelNow = std::function<std::shared_ptr<grpc::Channel>()>;

// Runs `attempt` until it succeeds, fails for good, or `deadline` has passed. Tried again: what the
// network did (the server is away, the stream broke) unless it is hopeless, and refusals that carry
// a retry delay, which is honoured. The waits grow from 20 ms to 1 s, with jitter; a connection
// that comes back ends them. Every call of the protocol is safe to send again. Returns what the
// last attempt ended with; without `reconnect` when time ran out.
Outcome WithRetries(const ChannelNow& channel, Clock::time_point deadline,
                    const std::function<Outcome()>& attempt);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_RETRY_H_
