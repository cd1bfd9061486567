// The server's log on standard error, which may be slow, full, closed, or a pipe that nobody reads.
#ifndef VARSCOPE_SERVER_LOG_H_
#define VARSCOPE_SERVER_LOG_H_

#include <chrono>
#include <string>

#include "absl/status/status.h"

namespace varscope::server {

// From now on spdlog's default logger, gRPC and protobuf write to standard error through one thread
// that nobody waits for. What does not fit into its queue is left out, and a line says how much. A
// line of up to 250 bytes takes no memory, and without memory for a longer one it is left out, too:
// spdlog's functions throw nothing. Unavailable without a thread.
absl::Status StartLog(const std::string& level);

// Waits until what was logged is written, or `limit` has passed.
void FlushLog(std::chrono::milliseconds limit);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_LOG_H_
